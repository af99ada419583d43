// B images, C channels, H x W pixels

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Relative dimensionless global error of synthesis: 100 / r · √(1/C Σ_c (RMSE_c / μ_c)²), with μ_c the mean of channel c of the target. [0, ∞), lower is better.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype; the mean of each image's. Wald 2000. A channel of mean 0 makes it infinite (NaN where it has no error either).
/// </remarks>
/// <param name="ratio">r, how many times finer the fused image's pixels are than the multispectral ones'.</param>
public sealed class Ergas(double ratio = 4) : ScalarMetric<Comparison>(new ErgasScores(ratio))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => ErgasScores.Mean(states);
}

sealed record ErgasScores : ImageScores
{
    public ErgasScores(double ratio)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ratio);
        Ratio = ratio;
    }

    public double Ratio { get; }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var error = (predictions - targets).square().mean([2, 3]);                                                 // [B, C]
        return SampleTensor.PositivePower((error / targets.mean([2, 3]).square()).mean([1]), 0.5) * (100 / Ratio);
    }
}
