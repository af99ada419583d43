namespace Raijin.Parallel;

/// <summary>Where one tensor lies in a flat buffer.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Its first element in the buffer.</param>
/// <param name="NumElements">How many elements it has.</param>
public readonly record struct FlatEntry(string Name, IReadOnlyList<long> Shape, long Offset, long NumElements);

/// <summary>The part of one tensor that lies in one rank's slice.</summary>
/// <param name="Entry">Which tensor: an index into <see cref="FlatLayout.Entries"/>.</param>
/// <param name="Start">The part's first element, counted in the flattened tensor.</param>
/// <param name="OffsetInSlice">The same element, counted in the slice.</param>
/// <param name="NumElements">How many elements.</param>
public readonly record struct FlatPiece(int Entry, long Start, long OffsetInSlice, long NumElements);

/// <summary>
/// How tensors are packed into one flat buffer that is divided evenly among ranks. Pure arithmetic, the same on every rank: ZeRO's partition (Rajbhandari et al. 2020, §5), with every tensor on a cache line and the
/// length padded so that slices are even.
/// </summary>
/// <remarks>Bytes that padding costs: at most 63 a tensor, and less than a slice's alignment a rank.</remarks>
public sealed class FlatLayout
{
    /// <summary>Tensors begin, and slices end, at multiples of so many elements: a cache line of any type.</summary>
    public const int Alignment = 64;

    /// <summary>Packs tensors in the order given.</summary>
    /// <param name="tensors">Name and shape.</param>
    /// <param name="numSlices">Among how many ranks the buffer is divided.</param>
    public FlatLayout(IEnumerable<(string Name, IReadOnlyList<long> Shape)> tensors, int numSlices)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numSlices);
        var entries = new List<FlatEntry>();
        long offset = 0;
        foreach (var (name, shape) in tensors)
        {
            var count = 1L;
            foreach (var size in shape) count = checked(count * size);
            entries.Add(new(name, shape, offset, count));
            offset = checked(offset + RoundUp(count, Alignment));
            NumElements += count;
        }
        Entries = entries;
        NumSlices = numSlices;
        PaddedElements = RoundUp(offset, checked(Alignment * (long)numSlices));
    }

    /// <summary>The tensors, in the order of the buffer.</summary>
    public IReadOnlyList<FlatEntry> Entries { get; }

    /// <summary>Among how many ranks the buffer is divided.</summary>
    public int NumSlices { get; }

    /// <summary>Elements of all tensors.</summary>
    public long NumElements { get; }

    /// <summary>Elements of the buffer.</summary>
    public long PaddedElements { get; }

    /// <summary>Elements of each slice.</summary>
    public long SliceElements => PaddedElements / NumSlices;

    /// <summary>The runs of elements that belong to no tensor.</summary>
    public IEnumerable<(long Offset, long NumElements)> Padding
    {
        get
        {
            var end = 0L;
            foreach (var entry in Entries)
            {
                if (entry.Offset > end) yield return (end, entry.Offset - end);
                end = entry.Offset + entry.NumElements;
            }
            if (PaddedElements > end) yield return (end, PaddedElements - end);
        }
    }

    /// <summary>What a slice holds, in order; nothing where it is padding only.</summary>
    /// <param name="slice">From 0.</param>
    public IEnumerable<FlatPiece> Pieces(int slice)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slice);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slice, NumSlices);
        var (begin, end) = (slice * SliceElements, (slice + 1) * SliceElements);
        for (var i = 0; i < Entries.Count; i++)
        {
            var entry = Entries[i];
            var from = Math.Max(begin, entry.Offset);
            var to = Math.Min(end, entry.Offset + entry.NumElements);
            if (from < to) yield return new(i, from - entry.Offset, from - begin, to - from);
        }
    }

    static long RoundUp(long count, long multiple) => checked(count + multiple - 1) / multiple * multiple;
}
