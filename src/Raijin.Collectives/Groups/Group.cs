using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// Some of the ranks, working together. Every member makes the same calls in the same order; a call that some member does not make fails on all others when its deadline is met, and says who was missing.
/// </summary>
/// <remarks>
/// Calls work on flat tensors: one dimension, contiguous, on the device of the transport. Those that end in <c>Async</c> return at once with a <see cref="Work"/>; it owns their tensors until it is complete.
/// Used by one thread at a time. Reductions take ranks in their order, so every rank gets the same bits, in every run.
/// </remarks>
public sealed partial class Group : IDisposable
{
    readonly Transport _transport;
    readonly Queue<Work> _underWay = new();
    readonly CallLog _log;
    CollectiveException? _broken;
    long _sequence;
    bool _disposed;

    internal Group(Transport transport, string name, IReadOnlyList<int> globalRanks, GroupOptions options)
    {
        _transport = transport;
        Name = name;
        GlobalRanks = globalRanks;
        Options = options;
        _log = new CallLog(options.LogLength);
    }

    /// <summary>What it is called in messages: <c>world</c>, or an axis of a mesh.</summary>
    public string Name { get; }

    /// <summary>This member's number in the group, from 0.</summary>
    public int Rank => _transport.Rank;

    /// <summary>How many members it has.</summary>
    public int Size => _transport.Size;

    /// <summary>The members as ranks of the world, in the order of their ranks here.</summary>
    public IReadOnlyList<int> GlobalRanks { get; }

    /// <summary>What moves the bytes.</summary>
    public TransportKind Transport => _transport.Kind;

    /// <summary>Deadline, checks, log.</summary>
    public GroupOptions Options { get; }

    /// <summary>What the group has done so far: calls and bytes by kind.</summary>
    public TrafficCount Traffic { get; } = new();

    /// <summary>
    /// Makes a zeroed flat tensor where the transport reduces it best: over shared memory it lies in the segment, and is reduced in place without a copy. The caller owns it.
    /// Every member makes the same allocations in the same order.
    /// </summary>
    public Tensor Allocate(long numElements, ScalarType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numElements);
        ThrowIfUnusable();
        return _transport.Allocate(numElements, dtype);
    }

    /// <summary>Makes a group of some of the members. All members of this group call it, each with the part it is in.</summary>
    /// <param name="ranks">Members of this group, by their ranks here; this rank among them.</param>
    /// <param name="name">A name that is new in this group; the same for all parts made together.</param>
    public Group Split(IReadOnlyList<int> ranks, string name)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ThrowIfUnusable();
        if (!ranks.Contains(Rank)) throw new ArgumentException($"Rank {Rank} of group {Name} is not in the part it asks for, [{string.Join(", ", ranks)}].", nameof(ranks));
        if (ranks.Distinct().Count() != ranks.Count || ranks.Any(r => r < 0 || r >= Size))
            throw new ArgumentException($"[{string.Join(", ", ranks)}] are not different ranks of group {Name}, which has {Size}.", nameof(ranks));
        return new Group(_transport.Split(ranks, name), name, [.. ranks.Select(r => GlobalRanks[r])], Options);
    }

    /// <summary>Tells the other members that this one gives up: their calls fail with <paramref name="reason"/>. Callable from any thread.</summary>
    public void Abort(string reason) => _transport.Abort(reason);

    /// <summary>Goes on with whatever is under way, as far as is possible without waiting. For whoever has other work to do meanwhile.</summary>
    /// <exception cref="CollectiveException">A call failed, here or on another rank.</exception>
    public void Progress()
    {
        if (_underWay.TryPeek(out var first)) Drive(first);
    }

    /// <summary>Leaves the group. What is under way is abandoned.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _transport.Dispose();
    }

    Work Begin(Collective call, long bytes)
    {
        ThrowIfUnusable();
        call = call with { Sequence = _sequence++ };
        _log.Started(call);
        Traffic.Count(call.Kind, bytes);
        var pending = _transport.Start(call);
        if (pending is null)
        {
            _log.Completed(call.Sequence);
            return Work.Done;
        }
        var work = new Work(this, call, pending);
        _underWay.Enqueue(work);
        return work;
    }

    /// <summary>Goes on with the calls up to this one.</summary>
    internal bool Drive(Work work)
    {
        ThrowIfUnusable();
        try
        {
            while (_underWay.TryPeek(out var first))
            {
                if (!first.Pending!.Poll()) return work.IsCompleted;
                _underWay.Dequeue();
                first.Complete();
                _log.Completed(first.Sequence);
                if (ReferenceEquals(first, work)) break;
            }
        }
        catch (CollectiveException error)
        {
            _broken = error;
            throw;
        }
        return work.IsCompleted;
    }

    internal void Await(Work work, CancellationToken cancellation)
    {
        while (!Drive(work))
        {
            if (cancellation.IsCancellationRequested)
            {
                _broken = new CollectiveException($"{work.Kind} {work.Sequence} of group {Name} was cancelled on rank {Rank}.") { Group = Name, Kind = work.Kind, Sequence = work.Sequence };
                Abort(_broken.Message);
                cancellation.ThrowIfCancellationRequested();
            }
            ThrowIfLate(work);
            // Short enough to notice a cancellation; a partner's arrival ends it sooner.
            _underWay.Peek().Pending!.Pause(TimeSpan.FromMilliseconds(20));
        }
    }

    internal void ThrowIfLate(Work work)
    {
        if (work.Waited < Options.Deadline) return;
        var first = _underWay.Peek();
        var missing = first.Pending!.Missing();
        var error = new CollectiveTimeoutException(LateText(first, missing)) { Group = Name, Kind = first.Kind, Sequence = first.Sequence, Missing = missing };
        _broken = error;
        Abort(error.Message);
        throw error;
    }

    string LateText(Work work, IReadOnlyList<int> missing)
    {
        var came = Enumerable.Range(0, Size).Except(missing);
        return $"{work.Kind} number {work.Sequence} of group {Name} met its deadline of {Options.Deadline:c} on rank {Rank}. Came: {Names(came)}. Did not come: {Names(missing)}. "
            + $"Every rank must make the same calls in the same order. The last calls of rank {Rank}:\n{_log.Describe()}";

        static string Names(IEnumerable<int> ranks) => string.Join(", ", ranks.Select(r => r.ToString(System.Globalization.CultureInfo.InvariantCulture)).DefaultIfEmpty("nobody"));
    }

    [StackTraceHidden]
    void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_broken is { } cause) throw new CollectiveException($"Group {Name} is of no further use: {cause.Message}", cause) { Group = Name };
    }
}
