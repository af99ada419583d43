// Least-significant-digit radix sort of unsigned keys, all workers on each pass: a worker counts the digits of its stretch, the counts of all
// become where each worker's keys of each digit go, and every worker scatters its stretch there. Stable, whatever the number of workers.
// Cost: two reads and one write of n keys per pass; only as many bits as the keys have, in equal digits of at most 11 bits.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Raijin.Metrics;

/// <summary>Sorts unsigned integers, alone or with an item each, in rising order.</summary>
static class RadixSort
{
    const int MaxDigitBits = 11;

    /// <summary>Of keys in a core's cache, whose counts are to fit there as well.</summary>
    const int MaxCachedDigitBits = 10;

    /// <summary>Fewer keys than this for each worker are not worth a thread.</summary>
    const int KeysPerWorker = 1 << 16;

    /// <summary>How many threads <paramref name="count"/> keys are worth.</summary>
    public static int Workers(int count) => Math.Clamp(count / KeysPerWorker, 1, Environment.ProcessorCount);

    /// <summary>Sorts the first <paramref name="count"/> keys.</summary>
    /// <param name="keys">The keys; what it holds afterwards is not defined.</param>
    /// <param name="scratch">At least as long.</param>
    /// <param name="count">How many keys there are.</param>
    /// <param name="bits">No key has a bit set from this one on.</param>
    /// <param name="workers">How many threads; see <see cref="Workers"/>.</param>
    /// <returns>The one of the two arrays that holds the sorted keys.</returns>
    public static TKey[] Sort<TKey>(TKey[] keys, TKey[] scratch, int count, int bits, int workers)
        where TKey : unmanaged, IBinaryInteger<TKey>
    {
        Sort<TKey, byte>(ref keys, ref scratch, null, null, count, bits, workers);
        return keys;
    }

    /// <summary>Sorts the first <paramref name="count"/> keys and takes an item along with each.</summary>
    /// <inheritdoc cref="Sort{TKey}(TKey[], TKey[], int, int, int)"/>
    public static (TKey[] Keys, TItem[] Items) Sort<TKey, TItem>(TKey[] keys, TKey[] scratch, TItem[] items, TItem[] itemScratch, int count, int bits, int workers)
        where TKey : unmanaged, IBinaryInteger<TKey>
        where TItem : unmanaged =>
        (Sort(ref keys, ref scratch, items, itemScratch, count, bits, workers) % 2 == 0) ? (keys, items) : (keys, itemScratch);

    /// <returns>How many passes moved the keys.</returns>
    static int Sort<TKey, TItem>(ref TKey[] keys, ref TKey[] scratch, TItem[]? items, TItem[]? itemScratch, int count, int bits, int workers)
        where TKey : unmanaged, IBinaryInteger<TKey>
        where TItem : unmanaged
    {
        var passes = Math.Max(1, (bits + MaxDigitBits - 1) / MaxDigitBits);
        var digitBits = Math.Max(1, (bits + passes - 1) / passes);
        var buckets = 1 << digitBits;
        var counts = new int[workers * buckets];
        var moved = 0;
        for (var pass = 0; pass < passes; pass++)
        {
            var (from, to, shift) = (keys, scratch, pass * digitBits);
            Run(workers, worker => CountDigits(Stretch(from, count, worker, workers), shift, counts.AsSpan(worker * buckets, buckets)));
            if (!PlaceDigits(counts, buckets, workers, count)) continue;
            if (items is null || itemScratch is null)
            {
                Run(workers, worker => Scatter(Stretch(from, count, worker, workers), to, shift, counts.AsSpan(worker * buckets, buckets)));
            }
            else
            {
                var (itemsFrom, itemsTo) = (items, itemScratch);
                Run(workers, worker => Scatter(Stretch(from, count, worker, workers), Stretch(itemsFrom, count, worker, workers), to, itemsTo, shift, counts.AsSpan(worker * buckets, buckets)));
                (items, itemScratch) = (itemScratch, items);
            }
            (keys, scratch) = (scratch, keys);
            moved++;
        }
        return moved;
    }

    /// <summary>Sorts keys that fit a core's cache, on this thread: one read for the digits of all passes.</summary>
    /// <param name="keys">The keys; what it holds afterwards is not defined.</param>
    /// <param name="scratch">At least as long.</param>
    /// <param name="low">No key is lower; keys may have wrapped round on their way up from it.</param>
    /// <param name="bits">No key minus <paramref name="low"/> has a bit set from this one on.</param>
    /// <returns>The sorted keys, in one of the two.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Span<uint> Sort(Span<uint> keys, Span<uint> scratch, uint low, int bits)
    {
        var passes = Math.Max(1, (bits + MaxCachedDigitBits - 1) / MaxCachedDigitBits);
        var digitBits = (bits + passes - 1) / passes;
        var mask = (1u << digitBits) - 1;
        Span<int> counts = stackalloc int[passes << digitBits];
        counts.Clear();
        scratch = scratch[..keys.Length];
        for (var pass = 0; pass < passes; pass++)
        {
            var digits = counts.Slice(pass << digitBits, 1 << digitBits);
            var shift = pass * digitBits;
            foreach (var key in keys) digits[(int)(((key - low) >> shift) & mask)]++;
        }
        for (var pass = 0; pass < passes; pass++)
        {
            var places = counts.Slice(pass << digitBits, 1 << digitBits);
            var (shift, place) = (pass * digitBits, 0);
            foreach (ref var digit in places) (digit, place) = (place, place + digit);
            foreach (var key in keys) scratch[places[(int)(((key - low) >> shift) & mask)]++] = key;
            var sorted = scratch;
            scratch = keys;
            keys = sorted;
        }
        return keys;
    }

    /// <summary>How many bits a number takes.</summary>
    public static int Bits(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    /// <summary>Does a piece of work on each of so many threads.</summary>
    public static void Run(int workers, Action<int> work) => Run(workers, workers, work);

    /// <summary>Does so many pieces of work on so many threads.</summary>
    public static void Run(int workers, int pieces, Action<int> work)
    {
        if (workers <= 1)
            for (var i = 0; i < pieces; i++) work(i);
        else
            Parallel.For(0, pieces, new ParallelOptions { MaxDegreeOfParallelism = workers }, work);
    }

    /// <summary>Does so many pieces of work on so many threads, each of which takes the next piece when it has done one.</summary>
    /// <typeparam name="TTool">What a thread works with.</typeparam>
    public static void Run<TTool>(int workers, int pieces, Action<int, TTool> work)
        where TTool : IDisposable, new()
    {
        var taken = -1;
        Run(Math.Min(workers, pieces), _ =>
        {
            using var tool = new TTool();
            for (int piece; (piece = Interlocked.Increment(ref taken)) < pieces;) work(piece, tool);
        });
    }

    /// <summary>Where the stretch of a worker starts; that of the last one plus one is the end.</summary>
    public static int Start(int count, int worker, int workers) => (int)((long)count * worker / workers);

    static ReadOnlySpan<T> Stretch<T>(T[] all, int count, int worker, int workers)
    {
        var start = Start(count, worker, workers);
        return all.AsSpan(start, Start(count, worker + 1, workers) - start);
    }

    static void CountDigits<TKey>(ReadOnlySpan<TKey> keys, int shift, Span<int> counts)
        where TKey : unmanaged, IBinaryInteger<TKey>
    {
        counts.Clear();
        var mask = TKey.CreateTruncating(counts.Length - 1);
        foreach (var key in keys) counts[int.CreateTruncating((key >> shift) & mask)]++;
    }

    /// <summary>Counts to places: digit by digit, within a digit worker by worker. False where all keys have the same digit.</summary>
    static bool PlaceDigits(int[] counts, int buckets, int workers, int count)
    {
        var place = 0;
        for (var digit = 0; digit < buckets; digit++)
        {
            var before = place;
            for (var worker = 0; worker < workers; worker++)
            {
                ref var cell = ref counts[(worker * buckets) + digit];
                (cell, place) = (place, place + cell);
            }
            if (place - before == count) return false;
        }
        return true;
    }

    static void Scatter<TKey>(ReadOnlySpan<TKey> keys, Span<TKey> to, int shift, Span<int> places)
        where TKey : unmanaged, IBinaryInteger<TKey>
    {
        var mask = TKey.CreateTruncating(places.Length - 1);
        foreach (var key in keys) to[places[int.CreateTruncating((key >> shift) & mask)]++] = key;
    }

    static void Scatter<TKey, TItem>(ReadOnlySpan<TKey> keys, ReadOnlySpan<TItem> items, Span<TKey> to, Span<TItem> itemsTo, int shift, Span<int> places)
        where TKey : unmanaged, IBinaryInteger<TKey>
        where TItem : unmanaged
    {
        var mask = TKey.CreateTruncating(places.Length - 1);
        for (var i = 0; i < keys.Length; i++)
        {
            var place = places[int.CreateTruncating((keys[i] >> shift) & mask)]++;
            to[place] = keys[i];
            itemsTo[place] = items[i];
        }
    }
}
