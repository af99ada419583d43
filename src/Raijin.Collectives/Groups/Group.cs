using System.Diagnostics;
using System.Globalization;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// Some of the ranks, working together. Every member makes the same calls in the same order; a call that some member does not make fails on all others when its deadline is met, and says who was missing.
/// </summary>
/// <remarks>
/// Calls work on flat tensors: one dimension, contiguous, on the device of the transport. Those that end in <c>Async</c> return at once with a <see cref="Work"/>; it owns their tensors until it is complete.
/// Used by one thread at a time. Reductions take ranks in their order, so every rank gets the same bits, in every run.
/// An argument that one rank can see to be wrong is refused and leaves the group as it was; any other failure leaves it broken, on all ranks.
/// </remarks>
public sealed partial class Group : IDisposable
{
    readonly Transport _transport;
    readonly Group? _parent;
    readonly Queue<Work> _collectives = new();
    readonly List<Work> _messages = [];
    readonly List<Group> _parts = [];
    readonly CallLog _log;
    readonly CallCheck? _check;
    readonly long[] _sent;
    readonly long[] _received;
    CollectiveException? _broken;
    long _numCollectives;
    long _numChecks;
    int _numParts;
    int _threadInside;
    Work? _spare;
    bool _disposed;

    internal Group(Transport transport, string name, IReadOnlyList<int> globalRanks, GroupOptions options, Group? parent = null)
    {
        options.ThrowIfInvalid();
        _transport = transport;
        _parent = parent;
        Name = name;
        GlobalRanks = globalRanks;
        Options = options;
        _log = new CallLog(options.LogLength);
        _sent = new long[transport.Size];
        _received = new long[transport.Size];
        if (options.CheckCalls) _check = new CallCheck(transport);
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

    /// <summary>Where its tensors lie.</summary>
    internal Device Device => Transport == TransportKind.Nccl ? CUDA : CPU;

    /// <summary>Deadline, checks, log.</summary>
    public GroupOptions Options { get; }

    /// <summary>What the group has done so far: calls and bytes by kind.</summary>
    public TrafficCount Traffic { get; } = new();

    /// <summary>What times its calls; null where nobody does.</summary>
    internal CallTimes? Times { get; set; }

    /// <summary>Whose <see cref="Times"/> they are, or were last.</summary>
    internal CommsLog? Log { get; set; }

    /// <summary>The groups split from it that are in use.</summary>
    internal IReadOnlyList<Group> Parts => _parts;

    internal bool IsDisposed => _disposed;

    /// <summary>
    /// Makes a zeroed flat tensor where the transport reduces it best: over shared memory it lies in the segment, and is reduced in place without a copy. It belongs to the caller, or to the
    /// dispose scope that is open there, as whatever libtorch makes. Every member makes the same allocations in the same order.
    /// </summary>
    public Tensor Allocate(long numElements, ScalarType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numElements);
        Bytes(dtype, nameof(dtype));
        Enter();
        try
        {
            if (_check is not null) CheckTogether(CallRow.OfAllocation(numElements, dtype));
            return _transport.Allocate(numElements, dtype);
        }
        catch (Exception error) when (Breaks(error))
        {
            throw;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Makes a group of some of the members. All members of this group call it, each with the part it is in.</summary>
    /// <param name="ranks">Members of this group, by their ranks here; this rank among them. Their order is that of the new ranks.</param>
    /// <param name="name">What the part is called in messages; the same for all parts made together.</param>
    public Group Split(IReadOnlyList<int> ranks, string name) => Split(ranks, name, isApart: false);

    /// <param name="isApart">Whether its failures leave this group as it is, for work that ranks may give up and live.</param>
    internal Group Split(IReadOnlyList<int> ranks, string name, bool isApart)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!ranks.Contains(Rank)) throw new ArgumentException($"Rank {Rank} of group {Name} is not in the part it asks for, [{string.Join(", ", ranks)}].", nameof(ranks));
        if (ranks.Distinct().Count() != ranks.Count || ranks.Any(r => r < 0 || r >= Size))
            throw new ArgumentException($"[{string.Join(", ", ranks)}] are not different ranks of group {Name}, which has {Size}.", nameof(ranks));
        Enter();
        try
        {
            if (_check is not null) CheckTogether(CallRow.OfSplit(ranks, name));
            // Splits are counted alike on every member, so a name may be given twice.
            var part = _transport.Split(ranks, string.Create(CultureInfo.InvariantCulture, $"{name}.{_numParts++}"));
            var group = new Group(part, name, [.. ranks.Select(r => GlobalRanks[r])], Options, isApart ? null : this);
            // What is done apart is done beside, and timed by nobody here.
            if (isApart) return group;
            _parts.Add(group);
            if (Times is not null) Log!.Add(group);
            return group;
        }
        catch (Exception error) when (Breaks(error))
        {
            throw;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Tells the other members, and those of the groups this one is a part of, that this rank gives up: their calls fail with <paramref name="reason"/>, and so do its own later ones. Callable from any thread.</summary>
    public void Abort(string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        Fail(new CollectiveException($"Rank {Rank} of group {Name} gave up: {reason}") { Group = Name }, reason);
    }

    /// <summary>Goes on with whatever is under way, as far as is possible without waiting. For whoever has other work to do meanwhile.</summary>
    /// <exception cref="CollectiveException">A call failed, here or on another rank.</exception>
    public void Progress()
    {
        if (_collectives.Count == 0 && _messages.Count == 0) return;
        Enter();
        try
        {
            Advance(null);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Leaves the group. What is under way is abandoned.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _parent?._parts.Remove(this);
        foreach (var message in _messages) message.Abandon();
        _check?.Dispose();
        _transport.Dispose();
    }

    Work Begin(in Collective call, long bytes)
    {
        Enter();
        try
        {
            Traffic.Count(call.Kind, bytes);
            var signature = CallSummary.Of(call);
            if (Times is not { } times) return signature.IsMessage ? BeginMessage(call, signature) : BeginTogether(call, signature);
            var started = Stopwatch.GetTimestamp();
            var number = signature.IsMessage ? -1 : _numCollectives;
            var work = signature.IsMessage ? BeginMessage(call, signature) : BeginTogether(call, signature);
            times.Began(work, call.Kind, number, WholeBytes(call, bytes), started);
            return work;
        }
        finally
        {
            Leave();
        }
    }

    // Who gives or gets a part of the root's alone knows the whole where parts are even, or their counts were given.
    long WholeBytes(in Collective call, long bytes)
    {
        var (whole, part, counts) = call.Kind switch
        {
            CollectiveKind.Gather => (call.Output, call.Input, call.OutputCounts),
            CollectiveKind.Scatter => (call.Input, call.Output, call.InputCounts),
            _ => (call.Input ?? call.Output, null, null),
        };
        if (whole is not null || part is null) return bytes;
        return counts is null ? bytes * Size : counts.Sum() * Bytes(part.dtype, nameof(part));
    }

    Work BeginTogether(in Collective call, in CallSummary signature)
    {
        var ticket = _log.Started(_numCollectives, signature);
        if (_check is not null) CheckTogether(CallRow.Of(call, signature));
        var work = Start(call with { Sequence = _numCollectives + _numChecks }, signature, _numCollectives, ticket);
        _numCollectives++;
        return work;
    }

    Work BeginMessage(in Collective call, in CallSummary signature)
    {
        ref var number = ref (call.Kind == CollectiveKind.Send ? _sent : _received)[call.Peer];
        var ticket = _log.Started(number, signature);
        if (_check is not null)
        {
            if (call.Kind == CollectiveKind.Send) CheckSend(call, signature);
            else CheckReceive(call, signature);
        }
        var work = Start(call with { Sequence = number }, signature, number, ticket);
        number++;
        return work;
    }

    /// <param name="ticket">Its place in the log; -1 where it is none of the user's.</param>
    /// <param name="owned">A tensor that is freed when the call is complete.</param>
    Work Start(in Collective call, in CallSummary signature, long number, long ticket, Tensor? owned = null)
    {
        try
        {
            if (_transport.Start(call) is { } pending)
            {
                var work = (_spare ?? new Work(this)).Begin(signature, number, ticket, pending, owned);
                _spare = null;
                if (signature.IsMessage) _messages.Add(work);
                else _collectives.Enqueue(work);
                return work;
            }
        }
        catch (Exception error) when (Breaks(error))
        {
            throw;
        }
        _log.Completed(ticket);
        owned?.Dispose();
        return Work.Done;
    }

    /// <summary>Ends the group on this rank and tells the others, and those of the groups it is a part of: they will wait for this rank in vain.</summary>
    void Fail(CollectiveException error, string? reason = null)
    {
        Break(error);
        if (!_disposed) _transport.Abort(reason ?? error.Message);
        _parent?.Fail(error, reason);
    }

    /// <summary>Notes what came out of the transport, and tells the others unless they know. Never true: the error goes on its way.</summary>
    bool Breaks(Exception error)
    {
        var cause = error as CollectiveException ?? new CollectiveException($"Rank {Rank} of group {Name} failed: {error.GetType().Name}: {error.Message}", error) { Group = Name };
        if (error is RankFailureException) Break(cause);
        else Fail(cause);
        return false;
    }

    // The first cause is the one that later calls tell.
    void Break(CollectiveException error) => Interlocked.CompareExchange(ref _broken, error, null);

    [StackTraceHidden]
    void Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var mine = Environment.CurrentManagedThreadId;
        var other = Interlocked.CompareExchange(ref _threadInside, mine, 0);
        if (other != 0)
            throw new InvalidOperationException($"Thread {mine} uses group {Name} of rank {Rank} while thread {other} is in one of its calls: the order of calls must be the same on every rank, so one thread makes them. Give each thread a group of its own (Split).");
        if (_broken is null) return;
        Leave();
        ThrowIfBroken();
    }

    void Leave() => Volatile.Write(ref _threadInside, 0);

    [StackTraceHidden]
    void ThrowIfBroken()
    {
        if (_broken is { } cause) throw new CollectiveException($"Group {Name} is of no further use: {cause.Message}", cause) { Group = Name };
    }
}
