// B recordings, T samples; s target, ŝ prediction

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Signal-to-noise ratio in decibels: 10 · log10(‖s‖² / ‖s - ŝ‖²), the mean of each signal's. Higher is better.</summary>
/// <remarks>
/// Signals [B, …, T] of any real dtype. The dtype's epsilon (2⁻⁵² or 2⁻²³) is added to both energies: a silent target beside silence is 0 dB, and equal signals give a large
/// number instead of an infinite one. As torchmetrics.
/// </remarks>
/// <param name="zeroMean">Whether each signal's mean is taken off first.</param>
public sealed class Snr(bool zeroMean = false) : ScalarMetric<Comparison>(new SnrScores(zeroMean))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SnrScores.Mean(states);
}

sealed record SnrScores(bool ZeroMean) : SoundScores
{
    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        if (ZeroMean) (predictions, targets) = (Signal.Centred(predictions), Signal.Centred(targets));
        return Signal.Decibels(targets.square().sum(-1), (targets - predictions).square().sum(-1));
    }
}
