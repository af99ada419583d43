using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Raijin.Metrics;

/// <summary>
/// Eight second-order band-pass filters of Q = 2 for the slow changes of an envelope, their centres equally spaced on a logarithmic scale; each has a lane of a vector.
/// </summary>
sealed class ModulationBank
{
    /// <summary>How many filters there are.</summary>
    public const int Count = 8;

    const double Q = 2;

    readonly double[] _gain = new double[Count];
    readonly double[] _pole1 = new double[Count];
    readonly double[] _pole2 = new double[Count];

    /// <param name="sampleRate">Samples a second.</param>
    /// <param name="lowest">Centre of the first in Hz.</param>
    /// <param name="highest">Centre of the last, below half the sampling rate.</param>
    public ModulationBank(int sampleRate, double lowest, double highest)
    {
        for (var k = 0; k < Count; k++)
        {
            var centre = lowest * double.Pow(highest / lowest, k / (Count - 1.0));
            var tangent = double.Tan(double.Pi * centre / sampleRate);
            var (width, square) = (tangent / Q, tangent * tangent);
            LowerEdges[k] = centre - (width * sampleRate / (2 * double.Pi));
            _gain[k] = width / (1 + width + square);
            _pole1[k] = 2 * (square - 1) / (1 + width + square);
            _pole2[k] = (1 - width + square) / (1 + width + square);
        }
    }

    /// <summary>Where each band begins (-3 dB) in Hz.</summary>
    public double[] LowerEdges { get; } = new double[Count];

    /// <summary>Σ (window · band)² of each frame of an envelope in each band.</summary>
    /// <param name="envelope">[T].</param>
    /// <param name="window">The squares of the window.</param>
    /// <param name="hop">How far frames lie apart.</param>
    /// <param name="energies">[F, 8], written; the last frame ends within the envelope.</param>
    public void Energies(ReadOnlySpan<double> envelope, ReadOnlySpan<double> window, int hop, Span<double> energies)
    {
        var frames = MemoryMarshal.Cast<double, Vector512<double>>(energies);
        frames.Clear();
        var (gain, a1, a2) = (Vector512.Create<double>(_gain), Vector512.Create<double>(_pole1), Vector512.Create<double>(_pole2));
        var (s, r) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var (first, end) = (0, 0);                                                              // the frames that hold t
        for (var t = 0; t < ((frames.Length - 1) * hop) + window.Length; t++)
        {
            if (end < frames.Length && t == end * hop) end++;
            if (t == (first * hop) + window.Length) first++;
            var x = Vector512.Create(envelope[t]) * gain;
            var y = x + s;
            s = r - (a1 * y);
            r = -x - (a2 * y);
            var square = y * y;
            for (var frame = first; frame < end; frame++) frames[frame] += square * window[t - (frame * hop)];
        }
    }
}
