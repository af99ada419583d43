using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>
/// MPI in this process: initialised once, finalised once, at exit. All calls of the library are made under <see cref="Gate"/>, none of them blocks for long (but for the few in which all ranks meet:
/// initialising and splitting), so that one thread may abort while another waits.
/// </summary>
/// <remarks>
/// A process that ends with an exit code other than 0 does not finalise: its launcher then ends the others, as is wanted. One that ends well waits for the others to do so too, up to the deadline of its world.
/// </remarks>
sealed unsafe class MpiRuntime
{
    const int ThreadsSerialized = 2;
    const int Leaving = 0;

    /// <summary>How long a rank of a broken group waits at exit for the others: they too are at their end.</summary>
    static readonly TimeSpan BrokenExit = TimeSpan.FromSeconds(5);

    static readonly delegate* unmanaged<uint, int> MicroSleep = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "usleep");

    static readonly Lock Starting = new();
    static MpiRuntime? _current;

    readonly nint _meetings;
    readonly List<MpiTransport> _transports = [];
    readonly List<MpiFailure> _failures = [];
    readonly List<object> _abandoned = [];
    TimeSpan _deadline = TimeSpan.Zero;
    int _worlds;

    MpiRuntime(MpiLibrary library)
    {
        Library = library;
        int rank, size;
        nint control;
        library.Check(library.CommRank(library.Abi.CommWorld, &rank), "MPI_Comm_rank");
        library.Check(library.CommSize(library.Abi.CommWorld, &size), "MPI_Comm_size");
        library.Check(library.CommDup(library.Abi.CommWorld, &control), "MPI_Comm_dup");
        library.Check(library.CommSetErrhandler(control, library.Abi.ErrorsReturn), "MPI_Comm_set_errhandler");
        (Rank, Size) = (rank, size);
        _meetings = control;
        Control = new MpiControl(this, control);
        Identity = Locate();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Leave();
    }

    public MpiLibrary Library { get; }

    /// <summary>Held around every call of the library.</summary>
    public Lock Gate { get; } = new();

    /// <summary>This process among all that the launcher started.</summary>
    public int Rank { get; }

    public int Size { get; }

    public RankIdentity Identity { get; }

    public MpiControl Control { get; }

    /// <summary>Whether MPI was finalised: nothing may be called any more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Initialises MPI in this process, unless it is already.</summary>
    public static MpiRuntime Start()
    {
        lock (Starting)
        {
            if (_current is { } current)
            {
                if (current.IsOver) throw new InvalidOperationException("MPI was finalised in this process, and can't be initialised again.");
                return current;
            }
            var library = MpiLibrary.Default;
            int flag;
            library.Check(library.Initialized(&flag), "MPI_Initialized");
            if (flag == 0)
            {
                int provided;
                library.Check(library.InitThread(0, 0, ThreadsSerialized, &provided), "MPI_Init_thread");
                if (provided < ThreadsSerialized)
                    throw new TransportUnavailableException(TransportKind.Mpi, $"{library.File} was built for one thread only (MPI_THREAD level {provided}), but a rank's threads take turns.", "Use a build with MPI_THREAD_SERIALIZED.");
            }
            library.Check(library.CommSetErrhandler(library.Abi.CommWorld, library.Abi.ErrorsReturn), "MPI_Comm_set_errhandler");
            return _current = new MpiRuntime(library);
        }
    }

    /// <summary>Meets all ranks to begin one more world.</summary>
    /// <returns>Its path: the same on all.</returns>
    /// <exception cref="CollectiveException">Not all came, or not for that.</exception>
    public string BeginWorld(TimeSpan deadline)
    {
        _deadline = deadline;
        if (Meet(++_worlds, () => deadline) is { } fault) throw new CollectiveException($"Rank {Rank} of {Size} could not join its MPI world number {_worlds}: {fault}");
        return $"world{_worlds}";
    }

    /// <summary>From now on failures reach the transport; one that came before it was there does so at once. Under the gate.</summary>
    public void Add(MpiTransport transport)
    {
        _transports.Add(transport);
        if (_failures.Find(f => f.Concerns(transport.Path)) is { } failure) transport.Fail(failure);
    }

    /// <summary>Under the gate.</summary>
    public void Remove(MpiTransport transport) => _transports.Remove(transport);

    /// <summary>A rank gave up. Under the gate.</summary>
    public void Fail(MpiFailure failure)
    {
        _failures.Add(failure);
        foreach (var transport in _transports.Where(t => failure.Concerns(t.Path))) transport.Fail(failure);
    }

    /// <summary>The transport of a group this process is in; null where it is not there yet, or no more. Under the gate.</summary>
    public MpiTransport? Find(string path) => _transports.Find(t => t.Path == path);

    /// <summary>Keeps what MPI may still write to: a call that was abandoned can't be called back. Under the gate.</summary>
    public void Abandon(object call) => _abandoned.Add(call);

    /// <summary>Sleeps for less than the runtime's timers can.</summary>
    public static void Nap(uint microseconds) => MicroSleep(microseconds);

    /// <summary>Waits until all ranks have come, each saying for what. Not under the gate.</summary>
    /// <returns>What is wrong; null when all came for the same.</returns>
    string? Meet(int purpose, Func<TimeSpan> patience)
    {
        var purposes = (int*)NativeMemory.Alloc((nuint)Size + 1, sizeof(int));
        *purposes = purpose;
        nint request;
        lock (Gate) Library.Check(Library.Iallgather((nint)purposes, 1, Library.Abi.Words.Four, (nint)(purposes + 1), 1, Library.Abi.Words.Four, _meetings, &request), "MPI_Iallgather");
        for (var started = Stopwatch.GetTimestamp(); !IsComplete(ref request);)
        {
            var waited = Stopwatch.GetElapsedTime(started);
            // MPI may still write to the memory.
            if (waited > patience()) return $"not all ranks came within {waited.TotalSeconds:F0} s.";
            Nap(waited < TimeSpan.FromMilliseconds(5) ? 20u : 1000u);
        }
        var odd = new ReadOnlySpan<int>(purposes + 1, Size).IndexOfAnyExcept(purpose);
        var fault = odd < 0 ? null : purposes[odd + 1] == Leaving ? $"rank {odd} is at its end." : $"rank {odd} joins its world number {purposes[odd + 1]}.";
        NativeMemory.Free(purposes);
        return fault;
    }

    bool IsComplete(ref nint request)
    {
        lock (Gate)
        {
            int done;
            fixed (nint* handle = &request) Library.Check(Library.Test(handle, &done, Library.Abi.StatusIgnore), "MPI_Test");
            Control.Poll();
            return done != 0;
        }
    }

    /// <summary>Which ranks share the host: asked of MPI, which knows better than names do.</summary>
    RankIdentity Locate()
    {
        int localRank, localSize;
        nint node;
        Library.Check(Library.CommSplitType(Library.Abi.CommWorld, Library.Abi.CommTypeShared, Rank, Library.Abi.InfoNull, &node), "MPI_Comm_split_type");
        Library.Check(Library.CommRank(node, &localRank), "MPI_Comm_rank");
        Library.Check(Library.CommSize(node, &localSize), "MPI_Comm_size");
        // Rank 0 of each host speaks for it; hosts are numbered in the order of their first ranks.
        var first = Rank;
        var firsts = new int[Size];
        nint request;
        Library.Check(Library.Ibroadcast((nint)(&first), 1, Library.Abi.Words.Four, 0, node, &request), "MPI_Ibcast");
        while (!IsComplete(ref request)) Nap(20);
        fixed (int* all = firsts)
        {
            Library.Check(Library.Iallgather((nint)(&first), 1, Library.Abi.Words.Four, (nint)all, 1, Library.Abi.Words.Four, _meetings, &request), "MPI_Iallgather");
            while (!IsComplete(ref request)) Nap(20);
        }
        Library.Check(Library.CommFree(&node), "MPI_Comm_free");
        var hosts = firsts.Distinct().Order().ToList();
        return new RankIdentity(Rank, Size, localRank, localSize, hosts.IndexOf(first), hosts.Count);
    }

    /// <summary>At the end of the process.</summary>
    void Leave()
    {
        if (IsOver || Environment.ExitCode != 0) return;
        int finalized;
        lock (Gate) Library.Check(Library.Finalized(&finalized), "MPI_Finalized");
        if (finalized == 0)
        {
            if (Meet(Leaving, () => _failures.Count > 0 || _abandoned.Count > 0 ? BrokenExit : _deadline) is not null)
            {
                lock (Gate) Library.AbortAll(Library.Abi.CommWorld, 1);
                return;
            }
            lock (Gate) Library.Check(Library.FinalizeAll(), "MPI_Finalize");
        }
        IsOver = true;
    }
}

/// <summary>That a rank gave up a group, and with it all that were made of it.</summary>
/// <param name="Path">Which group.</param>
/// <param name="Rank">Which of its ranks.</param>
/// <param name="Reason">What it said.</param>
sealed record MpiFailure(string Path, int Rank, string Reason)
{
    public bool Concerns(string path) => path.StartsWith(Path, StringComparison.Ordinal) && (path.Length == Path.Length || path[Path.Length] == '/');
}
