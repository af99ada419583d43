// B recordings, F frequencies, T samples or frames; s target, ŝ prediction

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Scale-invariant signal-to-distortion ratio in decibels: 10 · log10(‖α s‖² / ‖α s - ŝ‖²) with α = ⟨ŝ, s⟩ / ‖s‖², the mean of each signal's. Higher is better.
/// </summary>
/// <remarks>Signals [B, …, T] of any real dtype. Le Roux et al. 2019. The dtype's epsilon steadies each quotient, as in torchmetrics: two silent signals are 0 dB.</remarks>
/// <param name="zeroMean">Whether each signal's mean is taken off first.</param>
public sealed class SiSdr(bool zeroMean = false) : ScalarMetric<Comparison>(new SiSdrScores(zeroMean))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SiSdrScores.Mean(states);
}

/// <summary>Scale-invariant signal-to-noise ratio: <see cref="SiSdr"/> of signals less their means. Higher is better.</summary>
/// <remarks>Signals [B, …, T] of any real dtype. Luo and Mesgarani 2018.</remarks>
public sealed class SiSnr() : ScalarMetric<Comparison>(new SiSdrScores(ZeroMean: true))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SiSdrScores.Mean(states);
}

/// <summary>Scale-invariant signal-to-noise ratio of complex spectra: <see cref="SiSdr"/> of their real and imaginary parts as one signal. Higher is better.</summary>
/// <remarks>Spectra [B, …, F, T], complex, or [B, …, F, T, 2], real. As torchmetrics, with a batch in front.</remarks>
/// <param name="zeroMean">Whether each spectrum's mean (over all its parts) is taken off first.</param>
public sealed class ComplexSiSnr(bool zeroMean = false) : ScalarMetric<Comparison>(new ComplexSiSnrScores(zeroMean))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => ComplexSiSnrScores.Mean(states);
}

sealed record SiSdrScores(bool ZeroMean) : SoundScores
{
    protected override Tensor Scores(Tensor predictions, Tensor targets) => Ratio(predictions, targets, ZeroMean);

    public static Tensor Ratio(Tensor predictions, Tensor targets, bool zeroMean)
    {
        if (zeroMean) (predictions, targets) = (Signal.Centred(predictions), Signal.Centred(targets));
        var epsilon = SampleTensor.Epsilon(predictions);
        var alpha = (Signal.Dot(predictions, targets, keepdim: true) + epsilon) / (Signal.Dot(targets, targets, keepdim: true) + epsilon);
        var scaled = alpha * targets;
        return Signal.Decibels(scaled.square().sum(-1), (scaled - predictions).square().sum(-1));
    }
}

sealed record ComplexSiSnrScores(bool ZeroMean) : MeanScores<Comparison>
{
    public override void Check(in Comparison batch)
    {
        SampleTensor.CheckAlike(batch.Predictions, batch.Targets);
        var sizes = HostTensor.Sizes(batch.Predictions);
        var complex = batch.Predictions.is_complex();
        if (complex != batch.Targets.is_complex() || (complex ? sizes.Length < 3 : sizes.Length < 4 || sizes[^1] != 2))
            ShapeMismatchException.Throw("predictions", "[B, ..., F, T] complex or [B, ..., F, T, 2] real, and targets alike", ShapeText.Of(batch.Predictions));
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }

    protected override Tensor Scores(in Comparison batch) =>
        SiSdrScores.Ratio(Parts(batch.Predictions), Parts(batch.Targets).to(batch.Predictions.device), ZeroMean);

    protected override Tensor? Weights(in Comparison batch) => batch.Weights;

    static Tensor Parts(Tensor spectra)
    {
        var real = spectra.is_complex() ? spectra.view_as_real() : SampleTensor.Floating(spectra);
        return real.flatten(real.dim() - 3);                                                                       // [B, …, F T 2]
    }
}
