// The cochlea as gammatone filters, one for each centre frequency f: impulse response t³ e^(-2π b t) cos(2π f t), b = 1.019 (f / 9.26449 + 24.7) Hz. By the impulse
// invariance of Slaney 1993 it is four sections after one another that share their poles e^(-2π b / rate ± 2πi f / rate); each has a zero of its own. The sections stay
// apart: the coefficients of their product would lose the digits that keep low frequencies stable.

using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Raijin.Metrics;

/// <summary>Gammatone filters from a lowest centre frequency up to half the sampling rate, equally spaced on the scale of equivalent rectangular bandwidths.</summary>
sealed class GammatoneBank
{
    /// <summary>Filters that run side by side, one in each lane of a vector.</summary>
    public const int Lanes = 8;

    const double EarQ = 9.26449;
    const double MinBandwidth = 24.7;

    readonly double[] _gain;
    readonly double[] _pole1;
    readonly double[] _pole2;
    readonly double[][] _zeros = new double[4][];

    /// <param name="sampleRate">Samples a second.</param>
    /// <param name="count">How many filters.</param>
    /// <param name="lowest">Centre frequency of the first in Hz.</param>
    public GammatoneBank(int sampleRate, int count, double lowest)
    {
        Bandwidths = new double[count];
        Groups = (count + Lanes - 1) / Lanes;
        (_gain, _pole1, _pole2) = (new double[Groups * Lanes], new double[Groups * Lanes], new double[Groups * Lanes]);
        for (var section = 0; section < 4; section++) _zeros[section] = new double[Groups * Lanes];
        const double offset = EarQ * MinBandwidth;
        var (highest, step) = ((sampleRate / 2.0) + offset, double.Log((lowest + offset) / ((sampleRate / 2.0) + offset)));
        for (var i = 0; i < count; i++)
        {
            var centre = (highest * double.Exp(step * (count - i) / count)) - offset;
            Bandwidths[i] = Bandwidth(centre);
            var angle = 2 * double.Pi * centre / sampleRate;
            var decay = double.Exp(-1.019 * 2 * double.Pi * Bandwidths[i] / sampleRate);
            _pole1[i] = -2 * decay * double.Cos(angle);
            _pole2[i] = decay * decay;
            var atCentre = Complex.FromPolarCoordinates(1, -angle);
            var response = Complex.One;
            for (var section = 0; section < 4; section++)
            {
                var slope = double.Sqrt(section < 2 ? 3 + double.Pow(2, 1.5) : 3 - double.Pow(2, 1.5)) * (section % 2 == 0 ? 1 : -1);
                _zeros[section][i] = -decay * (double.Cos(angle) + (slope * double.Sin(angle)));
                response *= (1 + (_zeros[section][i] * atCentre)) / ((1 - decay) * (1 - (decay * atCentre * atCentre)));
            }
            _gain[i] = 1 / Complex.Abs(response);
        }
    }

    /// <summary>The equivalent rectangular bandwidth of each filter in Hz, from the lowest.</summary>
    public double[] Bandwidths { get; }

    /// <summary>How many vectors of lanes the filters fill; lanes that are left over stay 0.</summary>
    public int Groups { get; }

    /// <summary>The equivalent rectangular bandwidth of the ear at a frequency in Hz (Glasberg and Moore 1990).</summary>
    public static double Bandwidth(double frequency) => (frequency / EarQ) + MinBandwidth;

    /// <summary>What a group of filters lets through.</summary>
    /// <param name="group">Which.</param>
    /// <param name="signal">[T].</param>
    /// <param name="output">[T, 8], written.</param>
    public void Filter(int group, ReadOnlySpan<double> signal, Span<double> output)
    {
        var at = group * Lanes;
        var (gain, a1, a2) = (Lane(_gain, at), Lane(_pole1, at), Lane(_pole2, at));
        var (b1, b2, b3, b4) = (Lane(_zeros[0], at), Lane(_zeros[1], at), Lane(_zeros[2], at), Lane(_zeros[3], at));
        var (s1, s2, s3, s4) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var (r1, r2, r3, r4) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var rows = MemoryMarshal.Cast<double, Vector512<double>>(output);
        for (var t = 0; t < rows.Length; t++)
        {
            var x = Vector512.Create(signal[t]) * gain;
            var y1 = x + s1;
            s1 = (b1 * x) - r1 - (a1 * y1);
            r1 = a2 * y1;
            var y2 = y1 + s2;
            s2 = (b2 * y1) - r2 - (a1 * y2);
            r2 = a2 * y2;
            var y3 = y2 + s3;
            s3 = (b3 * y2) - r3 - (a1 * y3);
            r3 = a2 * y3;
            var y4 = y3 + s4;
            s4 = (b4 * y3) - r4 - (a1 * y4);
            r4 = a2 * y4;
            rows[t] = y4;
        }
    }

    static Vector512<double> Lane(double[] values, int at) => Vector512.Create<double>(values.AsSpan(at, Lanes));
}
