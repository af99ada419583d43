// float32 scores without weights: a key is a score's code, without its upper bit, above its label's bit. The bucket knows that bit. An area needs the
// pairs of each bucket only, in whatever way is the fastest; a curve has each bucket sorted where it lies.

using System.Buffers;

namespace Raijin.Metrics;

/// <summary>float32 scores that weigh 1 each.</summary>
sealed class RankedFloats : RankedSamples
{
    readonly uint[] _keys;
    readonly Bucket[] _buckets;
    readonly int _workers;

    RankedFloats(uint[] keys, Bucket[] buckets, int workers) => (_keys, _buckets, _workers) = (keys, buckets, workers);

    /// <summary>Ranks float32 scores without weights.</summary>
    public static RankedFloats Rank(ScoredRows rows, Problem problem, int workers)
    {
        var threads = Math.Min(workers, RadixSort.Workers(rows.Count));
        using var plan = new BucketPlan(rows.Count, threads);
        RadixSort.Run(threads, worker =>
        {
            var counter = new Counter(plan.Counts(worker), plan.Shift);
            rows.Visit<float, Counter>(problem, RadixSort.Start(rows.Count, worker, threads), RadixSort.Start(rows.Count, worker + 1, threads), ref counter);
        });
        plan.Divide();
        var keys = ArrayPool<uint>.Shared.Rent(plan.Count);
        RadixSort.Run(threads, worker =>
        {
            var placer = new Placer(keys.AsSpan(0, plan.Count), plan.BucketOf, plan.Counts(worker), plan.Shift);
            rows.Visit<float, Placer>(problem, RadixSort.Start(rows.Count, worker, threads), RadixSort.Start(rows.Count, worker + 1, threads), ref placer);
        });
        return new(keys, [.. plan.Buckets], threads);
    }

    public override RankedArea Area()
    {
        var counts = new PairCount[_buckets.Length];
        RadixSort.Run<PairCounter>(_workers, _buckets.Length, (i, counter) => counts[i] = counter.Of(_buckets[i].Of(_keys), _buckets[i]));
        var all = default(PairCount);
        foreach (var count in counts) all = all.Below(count);
        return new(all.Positives == 0 || all.Negatives == 0 ? double.NaN : all.Twice / (2.0 * all.Positives * all.Negatives), all.Positives, all.Negatives);
    }

    public override CurveCounts ToCounts()
    {
        var groups = new Groups[_buckets.Length];
        RadixSort.Run<Sorter>(_workers, _buckets.Length, (i, sorter) => groups[i] = sorter.Sort(_buckets[i].Of(_keys), _buckets[i]));

        // Thresholds fall: what is in a bucket comes after all that is above it.
        var above = new Groups[_buckets.Length];
        var all = default(Groups);
        for (var i = _buckets.Length - 1; i >= 0; i--) (above[i], all) = (all, all.And(groups[i]));
        var (thresholds, tps, fps) = (new double[all.Count], new double[all.Count], new double[all.Count]);
        RadixSort.Run(Math.Min(_workers, _buckets.Length), _buckets.Length, bucket =>
        {
            var keys = _buckets[bucket].Of(_keys);
            var (at, tp, fp) = above[bucket];
            for (var i = keys.Length - 1; i >= 0; i--)
            {
                var label = keys[i] & 1;
                (tp, fp) = (tp + label, fp + 1 - label);
                if (i > 0 && keys[i] >> 1 == keys[i - 1] >> 1) continue;
                (thresholds[at], tps[at], fps[at]) = (ScoreCode.Score((keys[i] >> 1) | (_buckets[bucket].Low & 1u << 31)), tp, fp);
                at++;
            }
        });
        return new(thresholds, tps, fps, all.Positives, all.Negatives);
    }

    public override void Dispose() => ArrayPool<uint>.Shared.Return(_keys);

    /// <summary>Different scores, and the samples that have them.</summary>
    readonly record struct Groups(int Count, long Positives, long Negatives)
    {
        public Groups And(Groups others) => new(Count + others.Count, Positives + others.Positives, Negatives + others.Negatives);
    }

    /// <summary>Sorts one bucket after another where it lies.</summary>
    sealed class Sorter : IDisposable
    {
        uint[] _scratch = [];

        public Groups Sort(Span<uint> keys, Bucket bucket)
        {
            if (_scratch.Length < keys.Length)
            {
                Dispose();
                _scratch = ArrayPool<uint>.Shared.Rent(keys.Length);
            }
            var sorted = RadixSort.Sort(keys, _scratch, bucket.Low << 1, bucket.Bits + 1);
            var (different, positives) = (1, sorted[0] & 1L);
            for (var i = 1; i < sorted.Length; i++)
            {
                different += sorted[i] >> 1 == sorted[i - 1] >> 1 ? 0 : 1;
                positives += sorted[i] & 1;
            }
            if (sorted != keys) sorted.CopyTo(keys);
            return new(different, positives, keys.Length - positives);
        }

        public void Dispose()
        {
            if (_scratch.Length > 0) ArrayPool<uint>.Shared.Return(_scratch);
        }
    }

    readonly ref struct Counter(Span<int> cells, int shift) : IScoreVisitor<float>
    {
        readonly Span<int> _cells = cells;
        readonly int _shift = shift;

        public void Visit(float score, bool positive, double weight) => _cells[(int)(ScoreCode.Of(score) >> _shift)]++;
    }

    readonly ref struct Placer(Span<uint> keys, ReadOnlySpan<ushort> bucketOf, Span<int> places, int shift) : IScoreVisitor<float>
    {
        readonly Span<uint> _keys = keys;
        readonly ReadOnlySpan<ushort> _bucketOf = bucketOf;
        readonly Span<int> _places = places;
        readonly int _shift = shift;

        public void Visit(float score, bool positive, double weight)
        {
            var code = ScoreCode.Of(score);
            _keys[_places[_bucketOf[(int)(code >> _shift)]]++] = (code << 1) | (positive ? 1u : 0u);
        }
    }
}
