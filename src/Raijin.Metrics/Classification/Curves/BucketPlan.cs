// The first step of ranking float32 scores: they go to buckets that fit a core's cache and are in order among each other, so that what is left is done
// bucket by bucket, all cores at once. A cell is the scores whose codes share their upper bits; the cells are counted, and cells that are neighbours
// make a bucket until it is full. A bucket never has scores of both signs, so the upper bit of its codes says nothing: in 32 bits there is room for a label.
// Cost: two reads and one write of n scores.

using System.Buffers;

namespace Raijin.Metrics;

/// <summary>Which bucket a score goes to, and where. Count cells, divide them, place the scores.</summary>
sealed class BucketPlan : IDisposable
{
    const int MaxCellBits = 16;

    /// <summary>So many keys are worth a cell.</summary>
    const int KeysPerCell = 16;

    /// <summary>Full buckets, if scores were spread evenly: more would be too many places to write to at once.</summary>
    const int FullBuckets = 1024;

    /// <summary>Fewer keys than this are not worth a bucket.</summary>
    const int KeysPerBucket = 4096;

    readonly int _cells;
    readonly int[][] _counts;
    readonly ushort[] _bucketOf;
    readonly List<Bucket> _buckets = [];

    /// <summary>Begins a plan.</summary>
    /// <param name="count">How many scores there are at most.</param>
    /// <param name="workers">How many count and place them, each its own.</param>
    public BucketPlan(int count, int workers)
    {
        var cellBits = Math.Clamp(RadixSort.Bits((ulong)(count / KeysPerCell)), 1, MaxCellBits);
        (Shift, _cells) = (32 - cellBits, 1 << cellBits);
        _bucketOf = ArrayPool<ushort>.Shared.Rent(_cells);
        _counts = new int[workers][];
        for (var worker = 0; worker < workers; worker++)
        {
            _counts[worker] = ArrayPool<int>.Shared.Rent(_cells);
            _counts[worker].AsSpan(0, _cells).Clear();
        }
    }

    /// <summary>The cell of a code is what remains when it is shifted by this.</summary>
    public int Shift { get; }

    /// <summary>The buckets that have keys, in order.</summary>
    public IReadOnlyList<Bucket> Buckets => _buckets;

    /// <summary>How many scores were counted.</summary>
    public int Count { get; private set; }

    /// <summary>For each cell how many scores a worker has; after <see cref="Divide"/>, for each bucket where its next one goes.</summary>
    public Span<int> Counts(int worker) => _counts[worker].AsSpan(0, _cells);

    /// <summary>For each cell its bucket.</summary>
    public ReadOnlySpan<ushort> BucketOf => _bucketOf.AsSpan(0, _cells);

    /// <summary>Makes buckets of the counted cells.</summary>
    public void Divide()
    {
        var total = 0L;
        foreach (var counts in _counts)
            foreach (var count in counts.AsSpan(0, _cells)) total += count;
        var full = Math.Max(KeysPerBucket, total / FullBuckets);
        Count = checked((int)total);

        // A bucket's number is never above its first cell's, so that places take the room of counts that have been read.
        Span<int> inBucket = new int[_counts.Length];
        var (start, end, first, last) = (0, 0, 0, 0);
        for (var cell = 0; cell < _cells; cell++)
        {
            var inCell = 0;
            foreach (var counts in _counts) inCell += counts[cell];
            if (end > start && (cell == _cells / 2 || end - start + (long)inCell > full)) Close(inBucket);
            _bucketOf[cell] = (ushort)_buckets.Count;
            if (inCell == 0) continue;
            if (end == start) first = cell;
            (last, end) = (cell, end + inCell);
            for (var worker = 0; worker < inBucket.Length; worker++) inBucket[worker] += _counts[worker][cell];
        }
        if (end > start) Close(inBucket);

        void Close(Span<int> inBucket)
        {
            var place = start;
            for (var worker = 0; worker < inBucket.Length; worker++)
            {
                _counts[worker][_buckets.Count] = place;
                place += inBucket[worker];
            }
            inBucket.Clear();
            _buckets.Add(new(start, end - start, (uint)first << Shift, RadixSort.Bits(((ulong)(last - first + 1) << Shift) - 1)));
            start = end;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<ushort>.Shared.Return(_bucketOf);
        foreach (var counts in _counts) ArrayPool<int>.Shared.Return(counts);
    }
}

/// <summary>Keys that lie together, above those of the buckets before.</summary>
/// <param name="Start">Where they start.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Low">No code is lower.</param>
/// <param name="Bits">No code minus <paramref name="Low"/> has a bit set from this one on: at most 31.</param>
readonly record struct Bucket(int Start, int Count, uint Low, int Bits)
{
    /// <summary>The keys of the bucket.</summary>
    public Span<uint> Of(uint[] keys) => keys.AsSpan(Start, Count);
}
