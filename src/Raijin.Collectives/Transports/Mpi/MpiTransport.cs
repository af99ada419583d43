using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// Ranks are processes that an MPI launcher started, on any number of hosts. Values move by MPI's nonblocking collectives; sums are taken here, in the order of the ranks, because MPI's own
/// reductions promise neither an order nor the 16-bit types; how the times compare is in docs/guides/mpi.md.
/// </summary>
/// <remarks>
/// Collectives of a group are begun one after the other, each when the one before is complete: a reduction is several calls of MPI, and all ranks must make those in the same order too.
/// Messages between two ranks are begun at once. Whoever polls any call of the group drives all of them.
/// </remarks>
sealed unsafe class MpiTransport : Transport
{
    const int ListenEvery = 16;
    const int LogLength = 16;

    static readonly TimeSpan InquiryPatience = TimeSpan.FromMilliseconds(500);

    // How long nothing may move before the waiting rank spins slower, yields, naps, and naps longer.
    static readonly TimeSpan Spinning = TimeSpan.FromMicroseconds(30);
    static readonly TimeSpan Yielding = TimeSpan.FromMicroseconds(500);
    static readonly TimeSpan Napping = TimeSpan.FromMilliseconds(50);

    readonly Queue<MpiCall> _collectives = new();
    readonly List<MpiCall> _messages = [];
    readonly CallLog _log = new(LogLength);
    readonly TimeSpan _deadline;
    MpiAnswer?[] _answers;
    MpiFailure? _failure;
    CollectiveException? _error;
    MpiStaging? _staging;
    long _lastMove = Stopwatch.GetTimestamp();
    int _untilListening;
    bool _left;

    MpiTransport(MpiRuntime runtime, nint communicator, int[] worldRanks, int rank, string path, TimeSpan deadline)
    {
        (Runtime, Communicator, WorldRanks, Rank, Path, _deadline) = (runtime, communicator, worldRanks, rank, path, deadline);
        _answers = new MpiAnswer?[worldRanks.Length];
        lock (runtime.Gate) runtime.Add(this);
    }

    public override TransportKind Kind => TransportKind.Mpi;

    public override int Rank { get; }

    public override int Size => WorldRanks.Length;

    /// <summary>Where this process is, as MPI sees it.</summary>
    public RankIdentity Identity => Runtime.Identity;

    internal MpiRuntime Runtime { get; }

    internal nint Communicator { get; }

    /// <summary>The members, by the ranks the launcher gave them.</summary>
    internal int[] WorldRanks { get; }

    /// <summary>The group's name below those it was made of: the same on all members.</summary>
    internal string Path { get; }

    /// <summary>How many collectives were begun.</summary>
    internal long Begun { get; private set; }

    internal MpiStaging Staging => _staging ??= new MpiStaging(Size);

    /// <summary>Joins the world of all processes that the launcher started. All of them call this.</summary>
    /// <param name="options">Deadline.</param>
    /// <param name="expected">What the launcher says of this process; null to believe MPI alone.</param>
    /// <exception cref="TransportUnavailableException">No MPI library is installed, or it is another than the launcher's.</exception>
    public static MpiTransport Join(GroupOptions? options = null, RankIdentity? expected = null)
    {
        var deadline = (options ?? new GroupOptions()).Deadline;
        if (deadline == Timeout.InfiniteTimeSpan) deadline = TimeSpan.MaxValue;
        var runtime = MpiRuntime.Start();
        if (expected is { } identity && (identity.WorldSize, identity.Rank) != (runtime.Size, runtime.Rank))
            throw new TransportUnavailableException(TransportKind.Mpi,
                $"The launcher started {identity.WorldSize} ranks and calls this one {identity.Rank}, but {runtime.Library.File} ({runtime.Library.Abi.Name}) sees {runtime.Size} and calls it {runtime.Rank}: it belongs to another MPI than the launcher.",
                "Set RAIJIN_MPI to the library of the MPI whose mpirun or srun plugin is used.");
        var path = runtime.BeginWorld(deadline);
        nint communicator;
        lock (runtime.Gate)
        {
            runtime.Library.Check(runtime.Library.CommDup(runtime.Library.Abi.CommWorld, &communicator), "MPI_Comm_dup");
            runtime.Library.Check(runtime.Library.CommSetErrhandler(communicator, runtime.Library.Abi.ErrorsReturn), "MPI_Comm_set_errhandler");
        }
        return new MpiTransport(runtime, communicator, [.. Enumerable.Range(0, runtime.Size)], runtime.Rank, path, deadline);
    }

    public override Tensor Allocate(long numElements, ScalarType dtype) => zeros(numElements, dtype);

    public override PendingCollective? Start(in Collective call)
    {
        var isMessage = call.Kind is CollectiveKind.Send or CollectiveKind.Receive;
        lock (Runtime.Gate)
        {
            // The others' parts of a call may have come before one of them gave up.
            Listen();
            ThrowIfBroken();
            var pending = MpiCall.Of(this, call, Begun);
            pending.Hold(_log.Started(call.Sequence, CallSummary.Of(call)));
            if (isMessage) _messages.Add(pending);
            else
            {
                Begun++;
                _collectives.Enqueue(pending);
            }
            Moved();
            Advance();
            if (pending.IsDone) return null;
            ThrowIfBroken();
            return pending;
        }
    }

    public override Transport Split(IReadOnlyList<int> ranks, string name)
    {
        // The call that divides can't be left: all members are there first.
        var meeting = Start(new Collective(CollectiveKind.Barrier, 0, null, null));
        for (var started = Stopwatch.GetTimestamp(); meeting is not null && !meeting.Poll(); meeting.Pause(TimeSpan.FromMilliseconds(20)))
        {
            if (Stopwatch.GetElapsedTime(started) < _deadline) continue;
            var missing = meeting.Missing();
            throw new CollectiveTimeoutException($"Group {name} was not made before the deadline of {_deadline:c}: rank {Rank} waited in Split for {string.Join(", ", missing)}.") { Missing = missing };
        }
        nint part;
        int rank, size;
        lock (Runtime.Gate)
        {
            var library = Runtime.Library;
            library.Check(library.CommSplit(Communicator, ranks.Min(), ranks.ToList().IndexOf(Rank), &part), "MPI_Comm_split");
            library.Check(library.CommSetErrhandler(part, library.Abi.ErrorsReturn), "MPI_Comm_set_errhandler");
            library.Check(library.CommRank(part, &rank), "MPI_Comm_rank");
            library.Check(library.CommSize(part, &size), "MPI_Comm_size");
        }
        if (size != ranks.Count || ranks[rank] != Rank)
            throw new CollectiveMismatchException($"Rank {Rank} asked for group {name} of ranks [{string.Join(", ", ranks)}], but {size} ranks came to it: members must name the same ranks in the same order.");
        return new MpiTransport(Runtime, part, [.. ranks.Select(r => WorldRanks[r])], rank, $"{Path}/{name}:{string.Join(",", ranks)}", _deadline);
    }

    public override string? DescribePeer(int rank) => rank == Rank ? _log.Describe() : _answers[rank]?.LastCalls;

    public override void Abort(string reason)
    {
        lock (Runtime.Gate)
        {
            if (_failure is not null || _left) return;
            Runtime.Fail(new MpiFailure(Path, Rank, reason));
        }
        Runtime.Control.GiveUp(this, reason);
    }

    protected override void Dispose(bool disposing)
    {
        lock (Runtime.Gate)
        {
            if (_left) return;
            _left = true;
            Runtime.Remove(this);
            var underWay = _collectives.Concat(_messages).Where(c => c.IsBegun).ToList();
            foreach (var call in _collectives.Concat(_messages).Where(c => !c.IsBegun)) call.Release();
            if (underWay.Count > 0)
            {
                // MPI may still read and write their memory.
                foreach (var call in underWay) Runtime.Abandon(call);
                if (_staging is not null) Runtime.Abandon(_staging);
                return;
            }
            _staging?.Dispose();
            var communicator = Communicator;
            if (_failure is null && _error is null && !Runtime.IsOver) Runtime.Library.Check(Runtime.Library.CommFree(&communicator), "MPI_Comm_free");
        }
    }

    internal bool Poll(MpiCall call)
    {
        lock (Runtime.Gate)
        {
            Advance();
            if (call.IsDone) return true;
            ThrowIfBroken();
            return false;
        }
    }

    internal void Pause(TimeSpan atMost)
    {
        var started = Stopwatch.GetTimestamp();
        do
        {
            TimeSpan quiet;
            lock (Runtime.Gate)
            {
                var before = _lastMove;
                Advance();
                if (_lastMove != before || _failure is not null || _error is not null) return;
                quiet = Stopwatch.GetElapsedTime(before);
                if (quiet > Yielding) _untilListening = 0;
            }
            if (quiet < Spinning) Thread.SpinWait(10);
            else if (quiet < Yielding) Thread.Yield();
            else MpiRuntime.Nap(quiet < Napping ? 100u : 1000u);
        }
        while (Stopwatch.GetElapsedTime(started) < atMost);
    }

    internal IReadOnlyList<int> Missing(MpiCall call)
    {
        _answers = Runtime.Control.Ask(this, InquiryPatience);
        return call.Peer is { } peer ? [peer] : [.. Enumerable.Range(0, Size).Where(r => (_answers[r]?.Begun ?? 0) <= call.Number)];
    }

    internal void Completed(long ticket) => _log.Completed(ticket);

    /// <summary>Something was sent or came: whoever waits spins again.</summary>
    internal void Moved() => _lastMove = Stopwatch.GetTimestamp();

    /// <summary>A rank of this group, or of one it was made of, gave up. Under the gate.</summary>
    internal void Fail(MpiFailure failure) => _failure ??= failure;

    /// <summary>Drives all calls as far as they go, and listens now and then. Under the gate; what goes wrong is kept for whoever polls.</summary>
    void Advance()
    {
        if (_failure is not null || _error is not null) return;
        try
        {
            for (var i = 0; i < _messages.Count;)
            {
                if (_messages[i].Go()) _messages.RemoveAt(i);
                else i++;
            }
            while (_collectives.TryPeek(out var first) && first.Go()) _collectives.Dequeue();
        }
        catch (CollectiveException error)
        {
            _error = error;
        }
        if (--_untilListening <= 0) Listen();
    }

    void Listen()
    {
        _untilListening = ListenEvery;
        try
        {
            Runtime.Control.Poll();
        }
        catch (CollectiveException error)
        {
            _error ??= error;
        }
    }

    void ThrowIfBroken()
    {
        ObjectDisposedException.ThrowIf(_left, this);
        if (_error is not null) throw new CollectiveException(_error.Message, _error);
        if (_failure is not { } failure) return;
        if (failure.Path == Path && failure.Rank == Rank) throw new CollectiveException($"Rank {Rank} gave up: {failure.Reason}");
        throw new RankFailureException(failure.Rank, failure.Reason);
    }
}
