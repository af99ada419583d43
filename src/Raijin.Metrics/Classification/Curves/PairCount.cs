// How many pairs of a positive and a negative are ranked right, from keys of one bucket: a score's code above its label's bit. Where a bucket is one
// cell of 2^16 codes and has keys enough, they are counted code by code and never sorted: a count of both labels costs one write a key and a pass
// over the codes. All numbers are whole: twice the pairs, ties one, are at most half the square of the keys, 2^61.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Raijin.Metrics;

/// <summary>Positives, negatives, and twice the number of pairs of them that are ranked right, a tie counting as half a pair.</summary>
readonly record struct PairCount(long Positives, long Negatives, long Twice)
{
    /// <summary>Bits of a code that are counted code by code.</summary>
    public const int CountedBits = 16;

    /// <summary>Below this, sorting keys costs less than a pass over all codes.</summary>
    public const int LeastCounted = (1 << CountedBits) / 16;

    /// <summary>Up to this, 16 bits hold each count, and 32 twice the pairs.</summary>
    public const int MostNarrow = ushort.MaxValue;

    // Of a vector of 16.
    const int LaneBits = 4;

    /// <summary>These and others that are all ranked above them.</summary>
    public PairCount Below(PairCount others) =>
        new(Positives + others.Positives, Negatives + others.Negatives, Twice + others.Twice + (2 * Negatives * others.Positives));

    /// <summary>The pairs of rising keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static PairCount OfSorted(ReadOnlySpan<uint> keys)
    {
        // Within a group of equal scores the negatives come first.
        long positives = 0, before = 0, twice = 0, seen = 0;
        var group = -1L;
        foreach (var key in keys)
        {
            var label = (long)(key & 1);
            before = key >> 1 == group ? before : seen;
            group = key >> 1;
            twice += (before + seen) & -label;
            positives += label;
            seen += 1 - label;
        }
        return new(positives, seen, twice);
    }

    /// <summary>The pairs of at most <see cref="MostNarrow"/> keys whose codes differ in the lower 16 bits only.</summary>
    /// <param name="keys">Any order.</param>
    /// <param name="counts">2^16 of them, 0 before and after: negatives in the lower half, positives in the upper.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static PairCount OfCounted(ReadOnlySpan<uint> keys, Span<uint> counts)
    {
        // Each lane of the vectors below is a stretch of codes of its own: the upper bits of a code are its lane.
        foreach (var key in keys)
        {
            var code = key >> 1;
            counts[(ushort)((code << LaneBits) | ((code & ushort.MaxValue) >> (CountedBits - LaneBits)))] += 1u << (int)((key & 1) * 16);
        }

        Vector512<uint> positives = default, seen = default, twice = default;
        var vectors = MemoryMarshal.Cast<uint, Vector512<uint>>(counts);
        foreach (ref var vector in vectors)
        {
            var both = vector;
            vector = default;
            var (positive, negative) = (both >> 16, both & Vector512.Create((uint)ushort.MaxValue));
            twice += positive * (seen + seen + negative);
            positives += positive;
            seen += negative;
        }
        var all = default(PairCount);
        for (var lane = 0; lane < Vector512<uint>.Count; lane++) all = all.Below(new(positives[lane], seen[lane], twice[lane]));
        return all;
    }

    /// <summary>The pairs of any number of keys whose codes differ in the lower 16 bits only.</summary>
    /// <param name="keys">Any order.</param>
    /// <param name="counts">2^16 of them, 0 before and after: negatives in the lower half, positives in the upper.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static PairCount OfManyCounted(ReadOnlySpan<uint> keys, Span<ulong> counts)
    {
        foreach (var key in keys) counts[(ushort)(key >> 1)] += 1ul << (int)((key & 1) * 32);
        long positives = 0, seen = 0, twice = 0;
        foreach (ref var count in counts)
        {
            var (positive, negative) = ((long)(count >> 32), (long)(count & uint.MaxValue));
            count = 0;
            twice += positive * (seen + seen + negative);
            positives += positive;
            seen += negative;
        }
        return new(positives, seen, twice);
    }
}

/// <summary>Counts the pairs of one bucket after another, for one thread.</summary>
sealed class PairCounter : IDisposable
{
    uint[] _scratch = [];
    uint[] _counts = [];
    ulong[] _manyCounts = [];

    /// <summary>The pairs of a bucket.</summary>
    /// <param name="keys">Its keys; their order afterwards is not defined.</param>
    /// <param name="bucket">Where it lies.</param>
    public PairCount Of(Span<uint> keys, Bucket bucket)
    {
        if (bucket.Bits != PairCount.CountedBits || (ushort)bucket.Low != 0 || keys.Length < PairCount.LeastCounted)
        {
            Grow(ref _scratch, keys.Length);
            return PairCount.OfSorted(RadixSort.Sort(keys, _scratch, bucket.Low << 1, bucket.Bits + 1));
        }
        if (keys.Length > PairCount.MostNarrow)
        {
            if (Grow(ref _manyCounts, 1 << PairCount.CountedBits)) Array.Clear(_manyCounts);
            return PairCount.OfManyCounted(keys, _manyCounts.AsSpan(0, 1 << PairCount.CountedBits));
        }
        if (Grow(ref _counts, 1 << PairCount.CountedBits)) Array.Clear(_counts);
        return PairCount.OfCounted(keys, _counts.AsSpan(0, 1 << PairCount.CountedBits));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Return(_scratch);
        Return(_counts);
        Return(_manyCounts);
    }

    static bool Grow<T>(ref T[] array, int length)
    {
        if (array.Length >= length) return false;
        Return(array);
        array = ArrayPool<T>.Shared.Rent(length);
        return true;
    }

    static void Return<T>(T[] array)
    {
        if (array.Length > 0) ArrayPool<T>.Shared.Return(array);
    }
}
