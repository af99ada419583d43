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

    /// <summary>How long a rank of a broken group waits at exit for the others: they too are at their end.</summary>
    static readonly TimeSpan BrokenExit = TimeSpan.FromSeconds(5);

    static readonly delegate* unmanaged<uint, int> MicroSleep = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "usleep");

    static readonly Lock Starting = new();
    static MpiRuntime? _current;

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

    /// <summary>The path of one more world: the same on all ranks, as they join worlds together.</summary>
    public string NextWorld(TimeSpan deadline)
    {
        _deadline = deadline;
        return $"world{++_worlds}";
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

    /// <summary>Waits, at most until <paramref name="deadline"/>, for a request that all ranks are about to meet in. Not under the gate.</summary>
    /// <returns>Whether it is complete.</returns>
    public bool Meet(nint request, TimeSpan deadline)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            lock (Gate)
            {
                int done;
                Library.Check(Library.Test(&request, &done, Library.Abi.StatusIgnore), "MPI_Test");
                if (done != 0) return true;
                Control.Poll();
            }
            var waited = Stopwatch.GetElapsedTime(started);
            if (waited > deadline) return false;
            Nap(waited < TimeSpan.FromMilliseconds(5) ? 20u : 1000u);
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
        Meet(request, TimeSpan.MaxValue);
        fixed (int* all = firsts)
        {
            Library.Check(Library.Iallgather((nint)(&first), 1, Library.Abi.Words.Four, (nint)all, 1, Library.Abi.Words.Four, Library.Abi.CommWorld, &request), "MPI_Iallgather");
            Meet(request, TimeSpan.MaxValue);
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
            var (exit, started) = (Control.BeginExit(), Stopwatch.GetTimestamp());
            while (!Meet(exit, TimeSpan.FromMilliseconds(50)))
            {
                if (Stopwatch.GetElapsedTime(started) < (_failures.Count > 0 || _abandoned.Count > 0 ? BrokenExit : _deadline)) continue;
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
