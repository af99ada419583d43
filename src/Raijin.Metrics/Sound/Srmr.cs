// T samples, F frames of 256 ms every 64 ms, C filters of the cochlea, 8 of the modulation

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Speech-to-reverberation modulation energy ratio: the energy of the slow changes in the envelopes of speech (its syllables) over that of the fast ones (which
/// reverberation adds). Needs no clean speech to compare with. [0, ∞), higher is better; the mean of each signal's.
/// </summary>
/// <remarks>
/// Signals [B, …, T] of any real dtype; computed in float64; their level does not matter. A gammatone filter bank (Slaney 1993) takes them apart as the cochlea does;
/// each band's Hilbert envelope goes through 8 modulation filters of Q = 2, whose energies are summed in Hamming windows of 256 ms every 64 ms and averaged
/// over these. The ratio is that of bands 1 to 4 over bands 5 to K*, the last band that begins below the bandwidth of the ear at the frequency under which 90 % of the energy
/// lies. Silence, and a signal shorter than one window, is NaN (torchmetrics fails). Falk, Zheng and Chan 2010; the normalised form, which depends less on the
/// talker, Santos, Senoussaoui and Falk 2014. As SRMRpy, which torchmetrics follows but for windows that it makes for one sample more (the 4th digit). The faster form
/// on a gammatonegram, which gives another number, is left out. The filters recur from sample to sample, which is done on the host: no gradient flows through, and a device is waited for.
/// </remarks>
/// <param name="sampleRate">Samples a second.</param>
/// <param name="normalized">Limits the energies to the 30 dB below their peak.</param>
/// <param name="cochlearFilters">C.</param>
/// <param name="lowestFrequency">Centre of the first filter of the cochlea in Hz; the others reach up to half the sampling rate.</param>
/// <param name="minModulation">Centre of the first modulation filter in Hz.</param>
/// <param name="maxModulation">Centre of the last one; null: 128, or 30 if normalised, as in the papers.</param>
public sealed class Srmr(
    int sampleRate, bool normalized = false, int cochlearFilters = 23, double lowestFrequency = 125, double minModulation = 4, double? maxModulation = null)
    : ScalarMetric<SignalBatch>(new SrmrScores(sampleRate, normalized, cochlearFilters, lowestFrequency, minModulation, maxModulation))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SrmrScores.Mean(states);
}

sealed record SrmrScores : MeanScores<SignalBatch>
{
    /// <summary>The bands of speech; those above are reverberation's.</summary>
    const int SpeechBands = 4;
    const double WindowSeconds = 0.256;
    const double HopSeconds = 0.064;
    const double DynamicRange = 1000;
    const double Share = 0.9;

    public SrmrScores(int sampleRate, bool normalized, int cochlearFilters, double lowestFrequency, double minModulation, double? maxModulation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sampleRate);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cochlearFilters);
        ThrowIfNotBetween(lowestFrequency, 0, sampleRate / 2.0, nameof(lowestFrequency));
        ThrowIfNotBetween(minModulation, 0, sampleRate / 2.0, nameof(minModulation));
        var max = maxModulation ?? (normalized ? 30 : 128);
        ThrowIfNotBetween(max, minModulation, sampleRate / 2.0, nameof(maxModulation));
        (SampleRate, Normalized, CochlearFilters, LowestFrequency, MinModulation, MaxModulation) = (sampleRate, normalized, cochlearFilters, lowestFrequency, minModulation, max);
        var edge = new ModulationBank(sampleRate, minModulation, max).LowerEdges[SpeechBands];
        if (GammatoneBank.Bandwidth(lowestFrequency) is var narrowest && edge > narrowest)
            throw new ArgumentException(FormattableString.Invariant(
                $"The fifth modulation band begins at {edge:g4} Hz, above the ear's bandwidth of {narrowest:g4} Hz at {lowestFrequency:g4} Hz: lower {nameof(maxModulation)} or raise {nameof(lowestFrequency)}."));
    }

    public int SampleRate { get; }

    public bool Normalized { get; }

    public int CochlearFilters { get; }

    public double LowestFrequency { get; }

    public double MinModulation { get; }

    public double MaxModulation { get; }

    public override void Check(in SignalBatch batch)
    {
        var sizes = HostTensor.Sizes(batch.Signals);
        if (SampleTensor.IsComplex(batch.Signals) || sizes.Length < 2 || sizes[^1] == 0)
            ShapeMismatchException.Throw("signals", "[B, ..., T], T at least 1, real", ShapeText.Of(batch.Signals));
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }

    protected override Tensor? Weights(in SignalBatch batch) => batch.Weights;

    protected override Tensor Scores(in SignalBatch batch)
    {
        var shape = batch.Signals.shape;
        var signals = batch.Signals.detach().to(ScalarType.Float64, CPU).contiguous();
        var scores = new double[signals.NumberOfElements / shape[^1]];
        var (cochlea, modulation) = (new GammatoneBank(SampleRate, CochlearFilters, LowestFrequency), new ModulationBank(SampleRate, MinModulation, MaxModulation));
        var window = SquaredWindow((int)Math.Ceiling(WindowSeconds * SampleRate));
        if (!HostTensor.TryOpen(signals, out var view)) throw new System.Diagnostics.UnreachableException();
        using (view)
            for (var i = 0; i < scores.Length; i++) scores[i] = Score(view.Slice<double>(i * shape[^1], checked((int)shape[^1])), cochlea, modulation, window);
        return tensor(scores, [.. shape.AsSpan(0, shape.Length - 1)], device: batch.Signals.device);
    }

    double Score(ReadOnlySpan<double> signal, GammatoneBank cochlea, ModulationBank modulation, double[] window)
    {
        if (signal.Length < window.Length) return double.NaN;
        var hop = (int)Math.Ceiling(HopSeconds * SampleRate);
        var frames = 1 + ((signal.Length - window.Length) / hop);
        var size = frames * ModulationBank.Count;
        var energies = new double[CochlearFilters * size];                                                         // [C, F, 8]
        using var scope = NewDisposeScope();
        if (!HostTensor.TryOpen(Envelopes(signal, cochlea), out var view)) throw new System.Diagnostics.UnreachableException();
        using (view)
            for (var c = 0; c < CochlearFilters; c++)
                modulation.Energies(view.Slice<double>((long)c * signal.Length, signal.Length), window, hop, energies.AsSpan(c * size, size));
        if (Normalized) Limit(energies, size);
        return Ratio(energies, size, cochlea.Bandwidths, modulation.LowerEdges);
    }

    /// <summary>The magnitude of the analytic signal of each band, [C, T].</summary>
    static Tensor Envelopes(ReadOnlySpan<double> signal, GammatoneBank cochlea)
    {
        var bands = empty([cochlea.Groups, signal.Length, GammatoneBank.Lanes], ScalarType.Float64);
        if (!HostTensor.TryOpen(bands, out var view)) throw new System.Diagnostics.UnreachableException();
        using (view)
            for (var group = 0; group < cochlea.Groups; group++)
                cochlea.Filter(group, signal, view.Slice<double>((long)group * signal.Length * GammatoneBank.Lanes, signal.Length * GammatoneBank.Lanes));
        var rows = bands.transpose(1, 2).reshape(-1, signal.Length).narrow(0, 0, cochlea.Bandwidths.Length);
        // As many samples as SRMRpy takes: the zeros after a signal are part of the number.
        var length = (signal.Length + 15) / 16 * 16;
        var spectrum = fft.rfft(rows, length);
        spectrum.narrow(1, 1, (length / 2) - 1).mul_(2);
        return fft.ifft(spectrum, length).narrow(1, 0, signal.Length).abs();
    }

    /// <summary>Brings energies into the 30 dB below the largest mean over the cochlea's filters.</summary>
    void Limit(double[] energies, int size)
    {
        var peak = 0.0;
        for (var i = 0; i < size; i++)
        {
            var sum = 0.0;
            for (var c = 0; c < CochlearFilters; c++) sum += energies[(c * size) + i];
            peak = Math.Max(peak, sum / CochlearFilters);
        }
        foreach (ref var energy in energies.AsSpan()) energy = Math.Min(Math.Max(energy, peak / DynamicRange), peak);
    }

    static double Ratio(double[] energies, int size, double[] bandwidths, double[] lowerEdges)
    {
        var bands = new double[ModulationBank.Count];
        var filters = new double[bandwidths.Length];
        for (var i = 0; i < energies.Length; i++)
        {
            bands[i % ModulationBank.Count] += energies[i];
            filters[i / size] += energies[i];
        }
        var (total, below) = (filters.Sum(), 0.0);
        for (var c = 0; c < filters.Length; c++)
        {
            below += filters[c];
            if (!(below > Share * total)) continue;
            var last = SpeechBands + 1;
            while (last < bands.Length && lowerEdges[last] <= bandwidths[c]) last++;
            return bands[..SpeechBands].Sum() / bands[SpeechBands..last].Sum();
        }
        return double.NaN;
    }

    /// <summary>A Hamming window that goes on as it began, squared.</summary>
    static double[] SquaredWindow(int length)
    {
        var window = new double[length];
        for (var n = 0; n < length; n++) window[n] = Math.Pow(0.54 - (0.46 * Math.Cos(2 * Math.PI * n / length)), 2);
        return window;
    }

    static void ThrowIfNotBetween(double value, double low, double high, string name)
    {
        if (!(value > low && value < high)) throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"Between {low:g4} and {high:g4} Hz, both excluded."));
    }
}
