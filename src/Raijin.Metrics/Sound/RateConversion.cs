// T samples at one rate become ⌈T p / q⌉ at another, p/q its reduced ratio: p - 1 zeros between samples, a low-pass filter, every q-th kept.

using System.Numerics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Metrics;

/// <summary>Signals at another sampling rate, by the Kaiser-windowed filter of Octave's <c>resample</c> (60 dB of rejection).</summary>
static class RateConversion
{
    const double Rejection = 60;

    /// <summary>Signals [N, T] in float64 at <paramref name="to"/> samples a second; the same tensor where that is their rate.</summary>
    public static Tensor Convert(Tensor signals, int from, int to)
    {
        if (from == to) return signals;
        var divisor = (int)BigInteger.GreatestCommonDivisor(from, to);
        var (up, down) = (to / divisor, from / divisor);
        var filter = Filter(up, down, signals.device);                                                             // [2 L + 1]
        var spread = functional.pad(signals.unsqueeze(-1), [0, up - 1]).flatten(1);                                // [N, T p]
        return functional.conv1d(spread.unsqueeze(1), filter.reshape(1, 1, -1), stride: down, padding: filter.shape[0] / 2).squeeze(1);
    }

    static Tensor Filter(int up, int down, Device device)
    {
        var cutoff = 0.5 / Math.Max(up, down);
        var half = (int)Math.Ceiling((Rejection - 8) / (28.714 * cutoff / 10));
        var beta = 0.1102 * (Rejection - 8.7);
        var filter = new double[(2 * half) + 1];
        for (var i = 0; i < filter.Length; i++)
        {
            var (at, edge) = (2 * cutoff * (i - half), (double)(i - half) / half);
            filter[i] = Bessel(beta * Math.Sqrt(1 - (edge * edge))) * (at == 0 ? 1 : Math.Sin(Math.PI * at) / (Math.PI * at));
        }
        // One sample in stands for `up` of them.
        var gain = up / filter.Sum();
        for (var i = 0; i < filter.Length; i++) filter[i] *= gain;
        return tensor(filter, device: device);
    }

    /// <summary>I₀(x) by its series, Σ ((x/2)^k / k!)².</summary>
    static double Bessel(double x)
    {
        var (sum, term) = (1.0, 1.0);
        for (var k = 1; term > sum * 1e-17; k++)
        {
            term *= x / (2 * k) * (x / (2 * k));
            sum += term;
        }
        return sum;
    }
}
