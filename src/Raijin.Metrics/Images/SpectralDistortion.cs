// B scenes, C bands, P = C (C - 1) / 2 pairs of them

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Spectral distortion D_λ: (1/P Σ |Q(fused_a, fused_b) - Q(target_a, target_b)|^p)^(1/p) over all P pairs of bands a, b, with Q the index <see cref="Uqi"/>: whether the bands relate
/// to each other as they did. [0, 2], lower is better.
/// </summary>
/// <remarks>
/// Predictions [B, C, H, W] and targets [B, C, h, w], which may be of another size, at least 11 pixels wide, with at least 2 bands; the mean of each scene's (torchmetrics
/// takes the means of Q over everything first; for one scene they agree). Alparone et al. 2008.
/// </remarks>
/// <param name="order">p: the higher, the more the worst pair counts.</param>
public sealed class SpectralDistortion(double order = 1) : ScalarMetric<Comparison>(new SpectralDistortionScores(order))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SpectralDistortionScores.Mean(states);
}

sealed record SpectralDistortionScores : ComparisonScores
{
    public static readonly ImageWindow Window = ImageWindow.Gaussian();

    public SpectralDistortionScores(double order)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        Order = order;
    }

    public double Order { get; }

    public override void Check(in Comparison batch)
    {
        ImageTensor.Check(batch.Predictions, minChannels: 2);
        ImageTensor.Check(batch.Targets, minChannels: 2);
        var fused = HostTensor.Sizes(batch.Predictions);
        var bands = HostTensor.Sizes(batch.Targets);
        var smallest = Window.Size(0);
        if (fused[0] != bands[0] || fused[1] != bands[1] || Math.Min(Math.Min(fused[2], fused[3]), Math.Min(bands[2], bands[3])) < smallest)
            ShapeMismatchException.Throw(
                "predictions", $"images of the targets' number and bands, both at least {smallest} pixels wide, beside targets {ShapeText.Of(batch.Targets)}", ShapeText.Of(batch.Predictions));
        SampleTensor.CheckWeights(batch.Weights, fused[0]);
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets) => Distortion(predictions, targets, Order);

    /// <summary>D_λ of each scene, [B].</summary>
    public static Tensor Distortion(Tensor fused, Tensor bands, double order)
    {
        var difference = (PairQuality(fused) - PairQuality(bands)).abs();                                          // [B, P]
        return SampleTensor.PositivePower(SampleTensor.PositivePower(difference, order).mean([1]), 1 / order);
    }

    static Tensor PairQuality(Tensor images)
    {
        var bands = images.shape[1];
        var qualities = new Tensor[bands - 1];
        for (var first = 0L; first < bands - 1; first++)
        {
            var others = images.narrow(1, first + 1, bands - first - 1);
            qualities[first] = UqiScores.Map(images.narrow(1, first, 1).expand_as(others), others, Window).mean([2, 3]);
        }
        return cat(qualities, 1);
    }
}
