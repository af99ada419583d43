// B recordings, S speakers, T samples; s target, ŝ prediction

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Source-aggregated signal-to-distortion ratio in decibels: 10 · log10(Σ ‖α s‖² / Σ ‖α s - ŝ‖²) with the sums over all speakers of a recording, the mean of each
/// recording's. Higher is better.
/// </summary>
/// <remarks>Signals [B, …, S, T] of any real dtype. Von Neumann et al. 2022: unlike a mean over speakers it stays defined where one of them is silent.</remarks>
/// <param name="scaleInvariant">Whether α = Σ ⟨ŝ, s⟩ / Σ ‖s‖², one for all speakers; else 1.</param>
/// <param name="zeroMean">Whether each signal's mean is taken off first.</param>
public sealed class SaSdr(bool scaleInvariant = true, bool zeroMean = false) : ScalarMetric<Comparison>(new SaSdrScores(scaleInvariant, zeroMean))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SaSdrScores.Mean(states);
}

sealed record SaSdrScores(bool ScaleInvariant, bool ZeroMean) : SoundScores
{
    protected override int MinDims => 3;

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        if (ZeroMean) (predictions, targets) = (Signal.Centred(predictions), Signal.Centred(targets));
        if (ScaleInvariant)
        {
            var epsilon = SampleTensor.Epsilon(predictions);
            targets = ((predictions * targets).sum(-1, -2, keepdim: true) + epsilon) / (targets.square().sum(-1, -2, keepdim: true) + epsilon) * targets;
        }
        return Signal.Decibels(targets.square().sum(-1, -2), (targets - predictions).square().sum(-1, -2));
    }
}
