// T samples at 10 kHz, F frames of 256 samples every 128, J = 15 bands a third of an octave wide, S segments of N = 30 frames (384 ms)

using Raijin.Metrics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// Short-time objective intelligibility: how well the envelopes of 15 frequency bands of clean speech are found again in the processed one, the mean of each signal's.
/// About [0, 1], higher is better, 1 for equal signals.
/// </summary>
/// <remarks>
/// Signals [B, …, T] of any real dtype, of speech; computed in float64. Frames in which the clean speech is 40 dB below its loudest are taken out of both first. STOI (Taal et al.
/// 2011) correlates each band of a segment over time, the processed one clipped 15 dB below; ESTOI (Jensen and Taal 2016) correlates the segments' spectra after their
/// bands were normalised over time, and hears modulated noise better. Other rates than 10 kHz are resampled first, by the filter of Octave's <c>resample</c>, as pystoi (which
/// torchmetrics calls) does. What is left of a signal must last 30 frames (about 0.4 s); of a shorter one it is NaN (pystoi: 1e-5). Taking silent frames out waits for the device.
/// </remarks>
/// <param name="sampleRate">Samples a second.</param>
/// <param name="extended">ESTOI.</param>
public sealed class Stoi(int sampleRate, bool extended = false) : ScalarMetric<Comparison>(new StoiScores(sampleRate, extended))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => StoiScores.Mean(states);
}

sealed record StoiScores : SoundScores
{
    const int Rate = 10_000;
    const int Frame = 256;
    const int Hop = Frame / 2;
    const int Spectrum = 512;
    const int Bands = 15;
    const int Segment = 30;
    const double LowestBand = 150;
    const double DynamicRange = 40;
    const double ClipLevel = 15;
    const double Tiny = 2.220446049250313e-16;

    public StoiScores(int sampleRate, bool extended)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sampleRate);
        (SampleRate, Extended) = (sampleRate, extended);
    }

    public int SampleRate { get; }

    public bool Extended { get; }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var shape = targets.shape;
        var clean = RateConversion.Convert(targets.to(ScalarType.Float64).reshape(-1, shape[^1]), SampleRate, Rate);
        var processed = RateConversion.Convert(predictions.to(ScalarType.Float64).reshape(-1, shape[^1]), SampleRate, Rate);
        var window = hann_window(Frame + 2, periodic: false, ScalarType.Float64, clean.device).narrow(0, 1, Frame);
        var bands = ThirdOctaves(clean.device);
        var scores = new Tensor[clean.shape[0]];
        for (var i = 0; i < scores.Length; i++) scores[i] = Score(clean[i], processed[i], window, bands);
        return stack(scores).reshape(shape[..^1]);
    }

    Tensor Score(Tensor clean, Tensor processed, Tensor window, Tensor bands)
    {
        var (cleanFrames, processedFrames) = (Frames(clean) * window, Frames(processed) * window);                 // [F, 256]
        if (cleanFrames.shape[0] == 0) return full([], double.NaN, ScalarType.Float64, clean.device);
        var level = (linalg.vector_norm(cleanFrames, 2, [1]) + Tiny).log10().mul(20);
        var heard = level.gt(level.max() - DynamicRange).nonzero().squeeze(1);
        if (heard.shape[0] <= Segment) return full([], double.NaN, ScalarType.Float64, clean.device);              // of h frames added up, h - 1 come out
        var x = Envelopes(OverlapAdd(cleanFrames.index_select(0, heard)), window, bands);                          // [J, F']
        var y = Envelopes(OverlapAdd(processedFrames.index_select(0, heard)), window, bands);
        (x, y) = (x.unfold(1, Segment, 1), y.unfold(1, Segment, 1));                                               // [J, S, N]
        if (Extended) return (Normalised(Normalised(x, 2), 0) * Normalised(Normalised(y, 2), 0)).sum(0, 2).mean() / Segment;
        var scaled = y * (linalg.vector_norm(x, 2, [2], true) / (linalg.vector_norm(y, 2, [2], true) + Tiny));
        var clipped = minimum(scaled, x * (1 + Math.Pow(10, ClipLevel / 20)));
        return (Normalised(x, 2) * Normalised(clipped, 2)).sum(dim: 2).mean();
    }

    // The last frame is left out where it ends with the signal, as in the authors' program.
    static Tensor Frames(Tensor signal)
    {
        var count = (signal.shape[0] - Frame + Hop - 1) / Hop;
        return count <= 0 || signal.shape[0] < Frame ? signal.new_empty(0, Frame) : signal.unfold(0, Frame, Hop).narrow(0, 0, count);
    }

    static Tensor OverlapAdd(Tensor frames)
    {
        var halves = frames.reshape(-1, 2, Hop);
        return (functional.pad(halves.select(1, 0), [0, 0, 0, 1]) + functional.pad(halves.select(1, 1), [0, 0, 1, 0])).flatten();
    }

    /// <summary>The magnitude of each band in each frame, [J, F].</summary>
    static Tensor Envelopes(Tensor signal, Tensor window, Tensor bands)
    {
        var spectra = fft.rfft(Frames(signal) * window, Spectrum);                                                 // [F, 257]
        return SampleTensor.PositivePower(bands.matmul(spectra.abs().square().t()), 0.5);
    }

    /// <summary>Which bins of the spectrum make up each band, [J, 257]: from the bin nearest to its lower edge up to that nearest to its upper one.</summary>
    static Tensor ThirdOctaves(Device device)
    {
        const int bins = (Spectrum / 2) + 1;
        const double width = (double)Rate / Spectrum;
        var members = new double[Bands * bins];
        for (var band = 0; band < Bands; band++)
        {
            var first = (int)Math.Round(LowestBand * Math.Pow(2, ((2 * band) - 1) / 6.0) / width);
            var end = (int)Math.Round(LowestBand * Math.Pow(2, ((2 * band) + 1) / 6.0) / width);
            members.AsSpan((band * bins) + first, end - first).Fill(1);
        }
        return tensor(members, [Bands, bins], device: device);
    }

    static Tensor Normalised(Tensor values, int dim)
    {
        var centred = values - values.mean([dim], keepdim: true);
        return centred / (linalg.vector_norm(centred, 2, [dim], true) + Tiny);
    }
}
