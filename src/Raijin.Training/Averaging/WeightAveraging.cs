using System.Text.Json.Nodes;
using Raijin.Parallel;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Keeps an average of the model's weights while they are trained, evaluates by it, and leaves it in the model when the fit is over. The weights in training go on as if there were no average; a
/// checkpoint holds both.
/// </summary>
/// <remarks>
/// An evaluation that loads a checkpoint (<see cref="Weights.Best"/>, <see cref="Weights.Last"/>, <see cref="Weights.From"/>) with a trainer that has this callback takes the averages
/// of it, so that its figures are those the fit logged. Lightning's <c>WeightAveraging</c>.
/// </remarks>
public abstract class WeightAveraging : Callback
{
    readonly Averaging _averaging;
    AveragedModel? _model;
    JsonObject? _loaded;

    private protected WeightAveraging(Averaging averaging) => _averaging = averaging;

    /// <summary>Whether buffers, such as the statistics of batch norms, are averaged too; otherwise evaluations use them as they are.</summary>
    /// <value>Default true.</value>
    public bool IncludeBuffers { get; init; } = true;

    /// <summary>Weights that are in the average so far: updates of it.</summary>
    public long Updates => _model?.Updates ?? 0;

    /// <inheritdoc/>
    /// <remarks>After callbacks that change the weights in a step.</remarks>
    public override int Priority => 10;

    /// <inheritdoc/>
    public override JsonObject? SaveState() => _model is null ? null : new() { ["updates"] = _model.Updates };

    /// <inheritdoc/>
    public override void LoadState(JsonObject state) => _loaded = state;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, Tensor>> SaveTensors() => _model?.Wholes ?? [];

    internal override IEnumerable<LogicalSlice> SaveSlices(string stem) => _model?.Slices(stem) ?? [];

    internal override void TakeBack(TrainingRun run, SavedTensors saved)
    {
        if (_loaded is null) return;
        _model = AveragedModel.Of(run, _averaging, IncludeBuffers);
        _model.Load(_loaded, saved);
        _loaded = null;
    }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _model ??= AveragedModel.Of(run, _averaging, IncludeBuffers);
    }

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch)
    {
        if (_model is { Updates: > 0 }) _model.UseAverages();
    }

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch) => _model?.UseWeights();

    /// <inheritdoc/>
    public override void OnTrainEnd(TrainingRun run) => _model?.UseWeights();

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error) => _model?.UseWeights(isLast: true);

    // The last checkpoint is written: what the caller gets is the average.
    internal override void BeforeHandover(TrainingRun run)
    {
        if (_model is { Updates: > 0 }) _model.UseAverages();
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup)
    {
        _model?.Dispose();
        _model = null;
        _loaded = null;
    }

    /// <summary>Takes the weights as they are now into the average.</summary>
    private protected void Update() => _model!.Update();

    /// <summary>Puts a checkpoint's averages into a model, if it holds some of this callback.</summary>
    internal void UseSaved(LoadedCheckpoint checkpoint, nn.Module module, ShardedModel? sharded)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        using var parts = ModelParts.Held(module, sharded);
        var saved = new SavedTensors(checkpoint, StateKey);
        foreach (var part in parts)
            if (saved.Has(part.Name)) part.Values.copy_(saved.Read(part.Name, part));
        parts.Share();
    }
}
