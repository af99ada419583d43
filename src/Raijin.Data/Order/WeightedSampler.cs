// Walker's alias method (Vose 1991, "A linear algorithm for generating random numbers with a given distribution"): n columns of equal weight,
// each shared by at most two samples. A draw picks a column and then one of its two: 4 random words, those at 4·position, so that any
// position is drawn alone.

using System.Globalization;

namespace Raijin.Data;

/// <summary>Draws with replacement by weight.</summary>
sealed class WeightedSampler : Sampler
{
    const int WordsOfDraw = 4;

    // Column i gives sample i with chance _own[i], else _other[i].
    readonly double[] _own;
    readonly int[] _other;

    public WeightedSampler(double[] weights, long? draws)
    {
        var n = weights.Length;
        Draws = draws ?? n;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Draws, nameof(draws));
        Fingerprint = string.Create(CultureInfo.InvariantCulture, $"drawn from {n} by weights {Digest<double>(weights)}");

        // Scaled by the largest first: the sum of huge weights must not overflow.
        var largest = weights.Max();
        var sum = weights.Sum(weight => weight / largest);
        _own = Array.ConvertAll(weights, weight => weight / largest / sum * n);
        _other = new int[n];
        var (small, large) = (new Stack<int>(), new Stack<int>());
        for (var i = 0; i < n; i++) (_own[i] < 1 ? small : large).Push(i);
        while (small.Count > 0 && large.Count > 0)
        {
            var (low, high) = (small.Pop(), large.Pop());
            _other[low] = high;
            _own[high] -= 1 - _own[low];
            (_own[high] < 1 ? small : large).Push(high);
        }
        // What rounding leaves over is a full column; a sample of weight 0 never is, it was paired while there was weight to share.
        foreach (var i in large) _own[i] = 1;
        foreach (var i in small) (_own[i], _other[i]) = weights[i] > 0 ? (1, i) : (0, Array.FindIndex(weights, weight => weight > 0));
    }

    public override long Count => _own.Length;

    public override long Draws { get; }

    public override string Fingerprint { get; }

    public override SampleOrder Order(ulong seed, long epoch) => new Drawn(this, seed, epoch);

    sealed class Drawn(WeightedSampler sampler, ulong seed, long epoch) : SampleOrder
    {
        public override void Fill(long first, Span<long> samples)
        {
            var random = LoaderStreams.Draw(seed, epoch, first * WordsOfDraw);
            foreach (ref var sample in samples)
            {
                // The high half of a product is uniform to 1 in 2^64 / n, and always takes the same number of words.
                var column = (long)Math.BigMul(random.NextUInt64(), (ulong)sampler._own.Length, out _);
                sample = random.NextDouble() < sampler._own[column] ? column : sampler._other[column];
            }
        }
    }
}
