// B recordings, T samples, L filter taps; s target, ŝ prediction, r autocorrelation of s, b cross-correlation of s with ŝ (lags 0 .. L - 1)
// The best filter h solves the Toeplitz system R h = b; of unit signals, ⟨b, h⟩ is the share of ŝ's energy that filtered s explains.

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Signal-to-distortion ratio in decibels: 10 · log10(‖h * s‖² / ‖h * s - ŝ‖²) with h the filter of L taps that brings the target nearest to the prediction, the
/// mean of each signal's. Higher is better.
/// </summary>
/// <remarks>
/// Signals [B, …, T] of any real dtype; computed in float64. Vincent, Gribonval and Févotte 2006 (BSS Eval), in the form of Scheibler 2022. The share of energy explained is kept
/// 2⁻⁵² away from 0 and 1, so within ±156.5 dB (torchmetrics: NaN where rounding brings it above 1). A target whose system has no solution, a silent one, is NaN unless
/// <c>load</c> is positive.
/// </remarks>
public sealed class Sdr : ScalarMetric<Comparison>
{
    /// <summary>An empty ratio.</summary>
    /// <param name="filterLength">L.</param>
    /// <param name="zeroMean">Whether each signal's mean is taken off first.</param>
    /// <param name="load">Added to the system's diagonal, whose entries are 1: steadies it where targets are nearly silent or nearly periodic.</param>
    public Sdr(int filterLength = 512, bool zeroMean = false, double load = 0)
        : base(new SdrScores(filterLength, zeroMean, load))
    {
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SdrScores.Mean(states);
}

sealed record SdrScores : SoundScores
{
    public SdrScores(int filterLength, bool zeroMean, double load)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(filterLength);
        ArgumentOutOfRangeException.ThrowIfNegative(load);
        (FilterLength, ZeroMean, Load) = (filterLength, zeroMean, load);
    }

    public int FilterLength { get; }

    public bool ZeroMean { get; }

    public double Load { get; }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        (predictions, targets) = (predictions.to(ScalarType.Float64), targets.to(ScalarType.Float64));
        if (ZeroMean) (predictions, targets) = (Signal.Centred(predictions), Signal.Centred(targets));
        var (auto, cross) = Correlations(Unit(targets), Unit(predictions));                                        // [B, …, L]
        var (filter, info) = linalg.solve_ex(Toeplitz(auto), cross.unsqueeze(-1));
        var explained = (cross * filter.squeeze(-1)).sum(-1);
        var epsilon = SampleTensor.Epsilon(explained);
        explained = where(info.eq(0), explained, double.NaN).clamp(epsilon, 1 - epsilon);
        return (explained / (1 - explained)).log10().mul(10);
    }

    static Tensor Unit(Tensor signal) => signal / linalg.vector_norm(signal, 2, [-1], true).clamp_min(1e-6);

    (Tensor Auto, Tensor Cross) Correlations(Tensor targets, Tensor predictions)
    {
        var samples = targets.shape[^1];
        // Room for the longest lag, so that nothing wraps around.
        var length = (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)(samples + FilterLength));
        var spectrum = fft.rfft(targets, length);
        var auto = fft.irfft(spectrum * spectrum.conj(), length).narrow(-1, 0, FilterLength);
        var cross = fft.irfft(spectrum.conj() * fft.rfft(predictions, length), length).narrow(-1, 0, FilterLength);
        return (auto, cross);
    }

    /// <summary>[B, …, L, L] with entry i, j the correlation at lag |i - j|.</summary>
    Tensor Toeplitz(Tensor auto)
    {
        var taps = arange(FilterLength, ScalarType.Int64, auto.device);
        var lags = (taps.unsqueeze(0) - taps.unsqueeze(1)).abs().flatten();
        var system = auto.index_select(-1, lags).reshape([.. auto.shape[..^1], FilterLength, FilterLength]);
        return Load == 0 ? system : system + eye(FilterLength, dtype: ScalarType.Float64, device: auto.device) * Load;
    }
}
