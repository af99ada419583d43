using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Shows some images of each validation's first batch, to loggers that show pictures: inputs, reconstructions, generated samples. The validation step says which:
/// <c>step.Published.Add("images", reconstructed);</c>
/// </summary>
public sealed class SampleImagesPanel : Callback
{
    /// <summary>Under which name the step publishes them, [B, C, H, W] or [B, H, W].</summary>
    /// <value>Default <c>images</c>.</value>
    public string Source { get; init; } = "images";

    /// <summary>What the loggers call the picture.</summary>
    /// <value>Default <c>val/images</c>.</value>
    public string Key { get; init; } = "val/images";

    /// <summary>Images shown at most; 1 and more.</summary>
    /// <value>Default 16.</value>
    public int Count { get; init; } = 16;

    /// <inheritdoc/>
    public override string StateKey => $"{nameof(SampleImagesPanel)}({Key})";

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (Count < 1) yield return new("sampleImagesPanel.count", $"= {Count}; allowed: 1 and more");
    }

    /// <inheritdoc/>
    public override void OnValidationBatchEnd(EvalStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Index > 0 || step.Phase != EvalPhase.Validation || step.Run is not { } run || !run.Shows(LogKind.Images)) return;
        var images = step.Published[Source];
        using var scope = NewDisposeScope();
        step.LogImages(step.Loader.Length == 0 ? Key : $"{Key}/{step.Loader}", images[..(int)Math.Min(Count, images.shape[0])]);
    }
}
