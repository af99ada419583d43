using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>How the processes of one host become a world over shared memory.</summary>
static unsafe class SharedMemoryTransport
{
    const long Magic = 0x31_6E_69_6A_69_61_52; // Raijin1
    const int Version = 1;
    const int HeaderBytes = 4096;

    /// <summary>The name of the file in which the ranks of a job meet. Files it makes later, where they must have names, begin with it and a dot.</summary>
    public static string FileName(string job) => $"raijin-{job}";

    /// <summary>What the names of all files of a job match, for whoever cleans up after a death while ranks still meet.</summary>
    public static string FilePattern(string job) => FileName(job) + "*";

    /// <summary>Whether a job may be called so: its name becomes a file's.</summary>
    public static bool IsJob(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Joins the job as one of its ranks. All ranks call it; it returns when all have.</summary>
    /// <param name="job">A name that no other run has: letters, digits, '-' and '_'.</param>
    /// <param name="rank">This process's number, from 0.</param>
    /// <param name="size">How many ranks there are.</param>
    /// <param name="options">The same on all ranks.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="TimeoutException">Some rank did not come.</exception>
    /// <exception cref="InvalidOperationException">A rank came twice, another version or another size runs under this name.</exception>
    /// <exception cref="RankFailureException">A rank died meanwhile.</exception>
    /// <exception cref="TransportUnavailableException">The file in which ranks meet can't be made.</exception>
    public static Transport Join(string job, int rank, int size, SharedMemoryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(job);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        if (!IsJob(job)) throw new ArgumentException($"A job's name is made of letters, digits, '-' and '_': {job} is not.", nameof(job));
        return new Meeting(job, rank, size, options ?? new SharedMemoryOptions(), cancellationToken).Join();
    }

    /// <summary>The first page of the file.</summary>
    [StructLayout(LayoutKind.Explicit, Size = HeaderBytes)]
    struct Header
    {
        /// <summary>Written last.</summary>
        [FieldOffset(0)]
        public long Magic;

        [FieldOffset(8)]
        public int Version;

        [FieldOffset(12)]
        public int Size;

        [FieldOffset(16)]
        public long ProcessId;

        [FieldOffset(24)]
        public long ProcessStart;

        /// <summary>How many ranks have come.</summary>
        [FieldOffset(64)]
        public long Joined;

        /// <summary>Where rank 0 says which memory the world's block is.</summary>
        [FieldOffset(128)]
        public Offer World;
    }

    sealed class Meeting(string job, int rank, int size, SharedMemoryOptions options, CancellationToken cancellation)
    {
        readonly string _path = Path.Combine(options.Folder, FileName(job));
        readonly long _began = Stopwatch.GetTimestamp();
        readonly PeerProcess?[] _peers = new PeerProcess?[size];
        readonly Lock _gate = new();
        RankBoard _board;
        bool _made; // locked

        long Bytes => HeaderBytes + RankBoard.Bytes(size);

        public Transport Join()
        {
            using var signals = new Removal(Remove);
            try
            {
                var file = rank == 0 ? Create() : Find();
                var header = (Header*)file.Start;
                _board = new RankBoard(file.Start + HeaderBytes);
                SignIn(header);
                WaitFor(ref header->Joined, size, "joining");
                Watch();
                var segment = new SharedMemorySegment(file, _board, _peers, job, rank, options);
                return new SegmentTransport(segment, segment.World(&header->World, WaitFor));
            }
            catch
            {
                foreach (var peer in _peers) peer?.Dispose();
                throw;
            }
            finally
            {
                Remove();
            }
        }

        SharedMapping Create()
        {
            while (true)
            {
                SharedMapping file;
                try
                {
                    lock (_gate)
                    {
                        file = SharedMapping.Create(_path, Bytes);
                        _made = true;
                    }
                }
                catch (IOException) when (File.Exists(_path))
                {
                    if (IsAlive()) throw new InvalidOperationException($"Another run is joining as {job}: {_path} belongs to a process that is alive. A job's name must be new.");
                    File.Delete(_path);
                    continue;
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    throw new TransportUnavailableException(TransportKind.SharedMemory, string.Create(CultureInfo.InvariantCulture, $"The {size} ranks meet in a file of {Bytes:N0} bytes, and it can't be made: {error.Message.TrimEnd('.')}."),
                        $"Make room in {options.Folder}, or let this user write there (in a container: --shm-size, or --ipc=host).", error);
                }
                file.CloseFile();
                var header = (Header*)file.Start;
                header->Version = Version;
                header->Size = size;
                header->ProcessId = Environment.ProcessId;
                header->ProcessStart = PeerProcess.StartOf(Environment.ProcessId);
                Interlocked.Exchange(ref header->Magic, Magic);
                return file;
            }
        }

        SharedMapping Find()
        {
            while (true)
            {
                if (TryOpen() is { } file) return file;
                Rest(() => $"rank 0 did not make {_path}");
            }
        }

        // A file of a run that died is left to rank 0, which replaces it.
        SharedMapping? TryOpen()
        {
            if (new FileInfo(_path) is not { Exists: true, Length: >= HeaderBytes } found) return null;
            SharedMapping file;
            try
            {
                file = SharedMapping.Open(_path, found.Length);
            }
            catch (FileNotFoundException)
            {
                return null;
            }
            file.CloseFile();
            var header = (Header*)file.Start;
            if (Volatile.Read(ref header->Magic) == Magic && IsAlive(header))
            {
                if (header->Version == Version && header->Size == size) return file;
                var (version, others) = (header->Version, header->Size);
                file.Dispose();
                throw new InvalidOperationException($"Rank {rank} of {size} (version {Version}) met a run of {others} ranks (version {version}) under the name {job}: all ranks must be started with one size and one version.");
            }
            file.Dispose();
            return null;
        }

        bool IsAlive()
        {
            // A file that is still without its header is about to get it; the next look tells.
            for (var look = 0; look < 50; look++)
            {
                if (new FileInfo(_path) is not { Exists: true } found) return false;
                if (found.Length >= HeaderBytes)
                {
                    using var file = SharedMapping.Open(_path, found.Length);
                    if (Volatile.Read(ref ((Header*)file.Start)->Magic) == Magic) return IsAlive((Header*)file.Start);
                }
                Rest(() => $"{_path} has no header");
            }
            return false;
        }

        static bool IsAlive(Header* header)
        {
            using var process = PeerProcess.Watch(header->ProcessId, header->ProcessStart);
            return !process.HasEnded;
        }

        void SignIn(Header* header)
        {
            var line = _board[rank];
            var other = Interlocked.CompareExchange(ref line->ProcessId, Environment.ProcessId, 0);
            if (other != 0) throw new InvalidOperationException($"Rank {rank} of {job} came twice: process {other} is it already, this is process {Environment.ProcessId}. Every process needs a rank of its own.");
            line->ProcessStart = PeerProcess.StartOf(Environment.ProcessId);
            // The last one in removes the name: from here on no death can leave a file.
            if (Interlocked.Increment(ref header->Joined) == size) File.Delete(_path);
        }

        void Watch()
        {
            for (var other = 0; other < size; other++)
                if (other != rank && _peers[other] is null && Volatile.Read(ref _board[other]->ProcessStart) != 0) _peers[other] = PeerProcess.Watch(_board[other]->ProcessId, _board[other]->ProcessStart);
        }

        void WaitFor(ref long word, long target, string what)
        {
            while (Volatile.Read(ref word) < target)
            {
                Watch();
                for (var other = 0; other < size; other++)
                    if (_peers[other] is { HasEnded: true }) throw new RankFailureException(other, string.Create(CultureInfo.InvariantCulture, $"it died while {what}: its process {_board[other]->ProcessId} is gone"));
                Rest(() => $"{what}: {Absent()}");
            }
        }

        string Absent()
        {
            var absent = Enumerable.Range(0, size).Where(r => Volatile.Read(ref _board[r]->ProcessId) == 0).ToList();
            return absent.Count == 0 ? "all ranks had come" : $"ranks {string.Join(", ", absent)} did not come";
        }

        void Rest(Func<string> missing)
        {
            if (Stopwatch.GetElapsedTime(_began) > options.Deadline) throw new TimeoutException($"Rank {rank} of {size} waited {options.Deadline:c} to join {job}: {missing()}.");
            if (cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(1))) cancellation.ThrowIfCancellationRequested();
        }

        // A signal may come between the file's making and the note of it.
        void Remove()
        {
            lock (_gate)
                if (_made) File.Delete(_path);
        }
    }

    /// <summary>Removes the file when this process ends while ranks still meet: by itself, or by a signal, of which the runtime tells no other way.</summary>
    sealed class Removal : IDisposable
    {
        readonly EventHandler _exit;
        readonly List<PosixSignalRegistration> _signals;

        public Removal(Action remove)
        {
            _exit = (_, _) => remove();
            AppDomain.CurrentDomain.ProcessExit += _exit;
            _signals = [.. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP]).Select(signal => PosixSignalRegistration.Create(signal, _ => remove()))];
        }

        public void Dispose()
        {
            AppDomain.CurrentDomain.ProcessExit -= _exit;
            foreach (var signal in _signals) signal.Dispose();
        }
    }
}
