using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>The memory through which the ranks of one world work together. What differs between threads and processes is in here; the algorithms are not.</summary>
abstract class Segment
{
    public abstract TransportKind Kind { get; }

    public abstract RankBoard Board { get; }

    /// <summary>Whether every rank reaches all memory of every other, so that nobody may free what another reads.</summary>
    public abstract bool SharesAllMemory { get; }

    /// <summary>How long a rank looks at a word before it sleeps.</summary>
    public abstract TimeSpan LongestSpin { get; }

    /// <summary>A name for memory that the members of the group reach: <see cref="Resolve"/> gives each of them its own address for it. -1 when they can't.</summary>
    public abstract long Locate(GroupBlock group, nint address, long bytes);

    /// <summary>Where memory that another member located lies here.</summary>
    public abstract nint Resolve(GroupBlock group, long code);

    /// <summary>A zeroed flat tensor that the members of the group reach.</summary>
    public abstract Tensor Allocate(SegmentTransport owner, long numElements, ScalarType dtype);

    /// <summary>The block of a part of a group.</summary>
    /// <param name="owner">The whole.</param>
    /// <param name="ranks">The part's members as ranks of the whole, this one among them.</param>
    public abstract GroupBlock Part(SegmentTransport owner, IReadOnlyList<int> ranks);

    /// <summary>Why a rank of the world can never come again; null while it can.</summary>
    /// <param name="worldRank">Which.</param>
    /// <param name="hadLeft">Whether it had left the world before it ended.</param>
    public abstract string? Gone(int worldRank, out bool hadLeft);

    /// <summary>Keeps the memory for one more user.</summary>
    /// <returns>False when it is gone already.</returns>
    public abstract bool TryRetain();

    /// <summary>Gives back what <see cref="TryRetain"/> took.</summary>
    public abstract void Release();

    /// <summary>A member has left a group.</summary>
    public abstract void Leave(GroupBlock group);
}
