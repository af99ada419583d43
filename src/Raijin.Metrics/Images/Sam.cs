// B images, C channels, H x W pixels

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Spectral angle mapper: the mean angle between the spectra (the C channels) of a pixel and its target, in radians. [0, π], lower is better; blind to brightness.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype, C at least 2; the mean of each image's. Yuhas, Goetz and Boardman 1992. The angle is 2 · atan2(‖u - v‖, ‖u + v‖) of the unit
/// vectors u, v, right to the last digits also for nearly equal spectra, where the arc cosine of torchmetrics loses half of them. A pixel with a spectrum of zeros has no
/// angle and is left out; an image of nothing else is NaN (torchmetrics: one such pixel makes everything NaN).
/// </remarks>
public sealed class Sam() : ScalarMetric<Comparison>(new SamScores())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SamScores.Mean(states);
}

sealed record SamScores : ImageScores
{
    protected override int MinChannels => 2;

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var (length, targetLength) = (linalg.vector_norm(predictions, 2, [1], true), linalg.vector_norm(targets, 2, [1], true));
        var known = length.gt(0).logical_and(targetLength.gt(0));                                                  // [B, 1, H, W]
        var u = predictions / where(known, length, 1.0);
        var v = targets / where(known, targetLength, 1.0);
        var apart = linalg.vector_norm(u - v, 2, [1], true);
        var together = linalg.vector_norm(u + v, 2, [1], true);
        var angle = where(known, 2 * atan2(apart, where(known, together, 1.0)), 0.0);
        return ImageTensor.SumOfEach(angle) / ImageTensor.SumOfEach(known);
    }
}
