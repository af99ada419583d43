using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>How a tensor is divided among ranks, as MPI reads it while a call is under way: counts and offsets in elements, at addresses that stay.</summary>
sealed unsafe class MpiParts(int size) : IDisposable
{
    readonly int* _numbers = (int*)NativeMemory.AllocZeroed((nuint)size, 2 * sizeof(int));

    public int* Counts => _numbers;

    public int* Offsets => _numbers + size;

    public void Set(int rank, int count, int offset) => (_numbers[rank], _numbers[size + rank]) = (count, offset);

    public void Dispose() => NativeMemory.Free(_numbers);

    /// <exception cref="ArgumentException">There are more elements than MPI counts.</exception>
    public static MpiParts Of(CollectiveKind kind, IReadOnlyList<long>? counts, long numElements, int size)
    {
        ThrowIfTooMany(kind, numElements);
        var parts = new MpiParts(size);
        var offset = 0;
        for (var r = 0; r < size; r++)
        {
            var count = (int)(counts is null ? numElements / size : counts[r]);
            parts.Set(r, count, offset);
            offset += count;
        }
        return parts;
    }

    public static void ThrowIfTooMany(CollectiveKind kind, long numElements)
    {
        if (numElements > int.MaxValue) throw new ArgumentException($"{kind} of {numElements} elements: MPI counts to {int.MaxValue}. Divide it into several calls.");
    }
}
