using System.Numerics;

namespace Raijin.Training;

/// <summary>
/// Counts durations in buckets that are 1/32 of their power of two wide, so that a percentile is right to 3 % at any scale. Adding is a few
/// instructions and allocates nothing; 15 KiB in all.
/// </summary>
sealed class DurationHistogram
{
    const int SubBits = 5;
    const int SubBuckets = 1 << SubBits;

    readonly long[] _counts = new long[(64 - SubBits) * SubBuckets];
    double _sum;

    public long Count { get; private set; }

    public double Mean => Count == 0 ? 0 : _sum / Count;

    public void Add(long ticks)
    {
        ticks = Math.Max(0, ticks);
        _counts[Bucket(ticks)]++;
        _sum += ticks;
        Count++;
    }

    /// <summary>The middle of the bucket in which the given share of all durations is reached.</summary>
    public double Percentile(double share)
    {
        if (Count == 0) return 0;
        var wanted = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        var bucket = -1;
        while (seen < wanted) seen += _counts[++bucket];
        return Middle(bucket);
    }

    public void Clear()
    {
        Array.Clear(_counts);
        _sum = 0;
        Count = 0;
    }

    /// <summary>Below 32 a bucket is one value wide; above, the five bits after the leading one choose among 32 of its power of two.</summary>
    static int Bucket(long ticks)
    {
        if (ticks < SubBuckets) return (int)ticks;
        var shift = BitOperations.Log2((ulong)ticks) - SubBits;
        return (shift + 1) * SubBuckets + (int)(ticks >> shift) - SubBuckets;
    }

    static double Middle(int bucket)
    {
        if (bucket < SubBuckets) return bucket;
        var shift = bucket / SubBuckets - 1;
        var low = (long)(bucket % SubBuckets + SubBuckets) << shift;
        return low + ((1L << shift) - 1) / 2.0;
    }
}
