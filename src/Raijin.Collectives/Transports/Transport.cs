using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>What moves the bytes.</summary>
public enum TransportKind : byte
{
    /// <summary>Ranks are threads of one process.</summary>
    InProcess,

    /// <summary>Ranks are processes of one host, over a memory-mapped segment.</summary>
    SharedMemory,

    /// <summary>Ranks are processes anywhere, over an MPI library.</summary>
    Mpi,

    /// <summary>Ranks drive a GPU each, over NCCL.</summary>
    Nccl,
}

/// <summary>
/// How the members of one group move bytes. A <see cref="Group"/> checks calls, counts them, holds deadlines and keeps the log; a transport only moves. All members make the same collectives
/// in the same order, and they complete in that order. Messages (sends, receives) keep their order within a pair of ranks and a direction, and go on beside all others: each is polled whether or not a collective
/// before it is complete. Used by one thread at a time, but for <see cref="Abort"/>.
/// </summary>
public abstract class Transport : IDisposable
{
    /// <summary>What moves the bytes.</summary>
    public abstract TransportKind Kind { get; }

    /// <summary>This member's number, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>How many members there are.</summary>
    public abstract int Size { get; }

    /// <summary>
    /// Makes a zeroed flat tensor where it is best for collectives: the other members can reach it, and reduce it in place. It belongs to the caller, or to the dispose scope
    /// that is open there, as whatever libtorch makes. Every member makes the same allocations in the same order.
    /// </summary>
    /// <param name="numElements">How many elements.</param>
    /// <param name="dtype">Their type.</param>
    public abstract Tensor Allocate(long numElements, ScalarType dtype);

    /// <summary>Begins a call without waiting for anybody.</summary>
    /// <returns>What is still to be done; null when the call is already complete.</returns>
    public abstract PendingCollective? Start(in Collective call);

    /// <summary>Makes the transport of a part of this group. All members of this group call it with the same <paramref name="name"/>, those outside with their own list.</summary>
    /// <param name="ranks">The members of the part this rank is in, as ranks of this group; the order is that of the new ranks.</param>
    /// <param name="name">A name that is new in this group, and equal on all its members.</param>
    public abstract Transport Split(IReadOnlyList<int> ranks, string name);

    /// <summary>Tells the other members that this one gives up: their waiting calls fail with <paramref name="reason"/> instead of running into their deadline. Callable from any thread; never throws.</summary>
    public abstract void Abort(string reason);

    /// <summary>The last calls of a member, a line a call, for the report of a timeout; null where they can't be seen from here.</summary>
    public virtual string? DescribePeer(int rank) => null;

    /// <summary>Leaves. Frees what belongs to this member, and what belongs to all when it is the last.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>A call on its way. Whoever waits for it drives it: no thread of its own works on it.</summary>
public abstract class PendingCollective
{
    /// <summary>Goes on as far as is possible without waiting.</summary>
    /// <returns>Whether the call is complete, and its tensors free again.</returns>
    /// <exception cref="RankFailureException">Another member gave up.</exception>
    public abstract bool Poll();

    /// <summary>Waits until <see cref="Poll"/> may get further, or until the time is over: first a bounded spin, then asleep.</summary>
    public abstract void Pause(TimeSpan atMost);

    /// <summary>Which members have not come to this call, as far as this one can see. For messages only; may be slow.</summary>
    public abstract IReadOnlyList<int> Missing();
}
