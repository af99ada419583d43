using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Total variation: Σ |step to the pixel below| + Σ |step to the pixel right|, over all channels; the mean of each image's. [0, ∞), lower is smoother.
/// </summary>
/// <remarks>Images [B, C, H, W] of any real dtype. torchmetrics' default is the sum over images: <see cref="Total"/>. Rudin, Osher and Fatemi 1992, anisotropic.</remarks>
public sealed class TotalVariation() : ScalarMetric<ImageBatch>(new TotalVariationScores())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>The sum over all images.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public double Total()
    {
        ThrowIfEmpty();
        return States[0].Value.item<double>();
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => TotalVariationScores.Mean(states);
}

sealed record TotalVariationScores : MeanScores<ImageBatch>
{
    public override void Check(in ImageBatch batch)
    {
        ImageTensor.Check(batch.Images);
        SampleTensor.CheckWeights(batch.Weights, Raijin.Tensors.HostTensor.Sizes(batch.Images)[0]);
    }

    protected override Tensor Scores(in ImageBatch batch)
    {
        var images = SampleTensor.Floating(batch.Images);
        return ImageTensor.SumOfEach(images.diff(1, 2).abs()) + ImageTensor.SumOfEach(images.diff(1, 3).abs());
    }

    protected override Tensor? Weights(in ImageBatch batch) => batch.Weights;
}
