// Sample i gets the key −ln(u) / w: the time at which a clock of rate w first ticks. Taking samples by their keys is drawing one after the
// other, each time by the weights of those left (Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir").

using System.Globalization;

namespace Raijin.Data;

/// <summary>Draws without replacement by weight.</summary>
sealed class WeightedOnceSampler : Sampler
{
    readonly double[] _weights;

    public WeightedOnceSampler(double[] weights, long draws)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(draws);
        (_weights, Draws) = (weights, draws);
        Fingerprint = string.Create(CultureInfo.InvariantCulture, $"drawn once each from {weights.Length} by weights {Digest<double>(weights)}");
    }

    public override long Count => _weights.Length;

    public override long Draws { get; }

    public override string Fingerprint { get; }

    public override SampleOrder Order(ulong seed, long epoch)
    {
        var random = LoaderStreams.Draw(seed, epoch, word: 0);
        var keys = new double[_weights.Length];
        var samples = new int[keys.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            var ticks = -Math.Log(1 - random.NextDouble());
            keys[i] = _weights[i] > 0 ? ticks / _weights[i] : double.NaN;
            samples[i] = i;
        }
        // NaN sorts before every number.
        Array.Sort(keys, samples);
        return new Listed(samples, keys.AsSpan().LastIndexOf(double.NaN) + 1);
    }

    sealed class Listed(int[] samples, int from) : SampleOrder
    {
        public override void Fill(long first, Span<long> target)
        {
            for (var i = 0; i < target.Length; i++) target[i] = samples[from + first + i];
        }
    }
}
