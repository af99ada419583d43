// A merging t-digest of fixed size. Sorted, a value whose middle stands at the share q of all weight goes to the centroid
// ⌊K (asin(2q − 1)/π + 1/2)⌋: the scale function k₁ of Dunning & Ertl 2019, arXiv:1902.04023. Two centroids become one only if their middles
// fall into one bin, so none ever spans two bins' share. The state is [2, K]: means, and weights, 0 where there is no centroid.
// A batch of n costs O(n log n + K) on the host; elsewhere a sort and two scatters, without waiting.

using static TorchSharp.torch;

namespace Raijin.Metrics;

sealed class Digest
{
    readonly double[] _upTo;
    readonly double[] _values;
    readonly double[] _weights;

    public Digest(int centroids)
    {
        _upTo = [.. Enumerable.Range(1, centroids).Select(j => (Math.Sin(Math.PI * ((double)j / centroids - 0.5)) + 1) / 2)];
        (_values, _weights) = (new double[centroids], new double[centroids]);
    }

    int Centroids => _upTo.Length;

    /// <summary>The digest of two, [2, k] each: digests, or values above weights.</summary>
    public Tensor Merge(Tensor a, Tensor b)
    {
        var both = cat([a, b], 1);
        var (values, order) = both[0].sort(0);
        var weights = both[1].index_select(0, order);
        var upTo = weights.cumsum(0);
        var total = upTo[-1].clamp_min(double.Epsilon);
        var middle = (upTo - weights / 2) / total;                                                                    // q of each
        var bin = ((2 * middle - 1).clamp(-1, 1).asin() / Math.PI + 0.5).mul(Centroids).floor().clamp(0, Centroids - 1).to(ScalarType.Int64);
        var empty = zeros([Centroids], ScalarType.Float64, both.device);
        var (sums, merged) = (empty.scatter_add(0, bin, values * weights), empty.scatter_add(0, bin, weights));
        return stack([where(merged.gt(0), sums / merged, 0.0), merged]);
    }

    /// <summary>Adds values of the host to a digest there.</summary>
    public void Add(Span<double> digest, ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        Span<double> sorted = stackalloc double[values.Length];
        Span<double> sortedWeights = stackalloc double[values.Length];
        values.CopyTo(sorted);
        weights.CopyTo(sortedWeights);
        sorted.Sort(sortedWeights);

        var means = digest[..Centroids];
        var held = digest[Centroids..];
        var total = 0.0;
        foreach (var weight in held) total += weight;
        foreach (var weight in sortedWeights) total += weight;
        Array.Clear(_values);
        Array.Clear(_weights);
        var (old, fresh, bin, before) = (0, 0, 0, 0.0);
        while (true)
        {
            while (old < Centroids && held[old] == 0) old++;
            if (old == Centroids && fresh == sorted.Length) break;
            var fromOld = fresh == sorted.Length || old < Centroids && means[old] <= sorted[fresh];
            var (value, weight) = fromOld ? (means[old], held[old++]) : (sorted[fresh], sortedWeights[fresh++]);
            var middle = (before + weight / 2) / total;
            while (bin < Centroids - 1 && middle >= _upTo[bin]) bin++;
            _values[bin] += value * weight;
            _weights[bin] += weight;
            before += weight;
        }
        for (var i = 0; i < Centroids; i++)
        {
            means[i] = _weights[i] > 0 ? _values[i] / _weights[i] : 0;
            held[i] = _weights[i];
        }
    }
}
