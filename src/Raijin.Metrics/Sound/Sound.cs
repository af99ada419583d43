using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// The sound metrics as plain functions. Each gives one score a signal, [B, …] of signals [B, …, T], owned by the caller; gradients flow through (but where it says not), so that
/// <c>-Sound.SiSdr(output, target).mean()</c> is a loss. Arguments and formulas are those of the metric of the same name.
/// </summary>
public static class Sound
{
    /// <summary>Signal-to-noise ratio. See <see cref="Raijin.Snr"/>.</summary>
    public static Tensor Snr(Tensor predictions, Tensor targets, bool zeroMean = false) => new SnrScores(zeroMean).Evaluate(new(predictions, targets));

    /// <summary>Scale-invariant signal-to-distortion ratio. See <see cref="Raijin.SiSdr"/>.</summary>
    public static Tensor SiSdr(Tensor predictions, Tensor targets, bool zeroMean = false) => new SiSdrScores(zeroMean).Evaluate(new(predictions, targets));

    /// <summary>Scale-invariant signal-to-noise ratio. See <see cref="Raijin.SiSnr"/>.</summary>
    public static Tensor SiSnr(Tensor predictions, Tensor targets) => new SiSdrScores(ZeroMean: true).Evaluate(new(predictions, targets));

    /// <summary>The same of complex spectra. See <see cref="Raijin.ComplexSiSnr"/>.</summary>
    public static Tensor ComplexSiSnr(Tensor predictions, Tensor targets, bool zeroMean = false) => new ComplexSiSnrScores(zeroMean).Evaluate(new(predictions, targets));

    /// <summary>Signal-to-distortion ratio after the best filter, in float64. See <see cref="Raijin.Sdr"/>.</summary>
    public static Tensor Sdr(Tensor predictions, Tensor targets, int filterLength = 512, bool zeroMean = false, double load = 0) =>
        new SdrScores(filterLength, zeroMean, load).Evaluate(new(predictions, targets));

    /// <summary>Source-aggregated signal-to-distortion ratio, [B]. See <see cref="Raijin.SaSdr"/>.</summary>
    public static Tensor SaSdr(Tensor predictions, Tensor targets, bool scaleInvariant = true, bool zeroMean = false) =>
        new SaSdrScores(scaleInvariant, zeroMean).Evaluate(new(predictions, targets));

    /// <summary>Short-time objective intelligibility, in float64. See <see cref="Raijin.Stoi"/>.</summary>
    public static Tensor Stoi(Tensor predictions, Tensor targets, int sampleRate, bool extended = false) => new StoiScores(sampleRate, extended).Evaluate(new(predictions, targets));

    /// <summary>Speech-to-reverberation modulation energy ratio, in float64 and without a gradient. See <see cref="Raijin.Srmr"/>.</summary>
    public static Tensor Srmr(
        Tensor signals, int sampleRate, bool normalized = false, int cochlearFilters = 23, double lowestFrequency = 125, double minModulation = 4, double? maxModulation = null) =>
        new SrmrScores(sampleRate, normalized, cochlearFilters, lowestFrequency, minModulation, maxModulation).Evaluate(new(signals));

    /// <summary>The best score over all assignments of predictions to targets. See <see cref="Raijin.PermutationInvariant"/>.</summary>
    public static BestPermutation PermutationInvariant(Tensor predictions, Tensor targets, Func<Tensor, Tensor, Tensor> score, bool higherIsBetter = true) =>
        new PermutationScores(score, Jointly: false, higherIsBetter).Best(predictions, targets);

    /// <summary>The same for a score of all speakers together. See <see cref="Raijin.JointPermutationInvariant"/>.</summary>
    public static BestPermutation JointPermutationInvariant(Tensor predictions, Tensor targets, Func<Tensor, Tensor, Tensor> score, bool higherIsBetter = true) =>
        new PermutationScores(score, Jointly: true, higherIsBetter).Best(predictions, targets);

    /// <summary>Predictions in the order of the targets.</summary>
    /// <param name="predictions">[B, S, …]; borrowed.</param>
    /// <param name="permutation">[B, S] of <see cref="BestPermutation"/>; borrowed.</param>
    /// <returns>[B, S, …]; the caller owns it.</returns>
    public static Tensor Permute(Tensor predictions, Tensor permutation)
    {
        using var scope = NewDisposeScope();
        var index = permutation.reshape([.. permutation.shape, .. Enumerable.Repeat(1L, (int)predictions.dim() - 2)]).expand(predictions.shape);
        return predictions.gather(1, index).MoveToOuterDisposeScope();
    }
}
