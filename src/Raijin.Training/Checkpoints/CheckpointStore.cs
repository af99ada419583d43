using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Raijin.Collectives;
using Raijin.Tensors;

namespace Raijin.Training;

// Invariants
//   A folder that has its final name is whole and durable. So a process killed at any moment leaves every checkpoint that was listed.
//   The folders are the truth; index.json is written from them and never decides anything.
//   One process writes at a time: the first save takes the lock file, which the system gives back when the process ends, however it ends. Whoever holds it
//   may remove what dead writers left. Reading needs no lock.

/// <summary>The checkpoints of one run, in one folder.</summary>
public sealed class CheckpointStore : IDisposable
{
    const string LockFile = ".lock";

    // Of what a rank writes of a checkpoint of all.
    const string ShareSnapshot = "share";
    const int LinuxWouldBlock = 11;
    const int MacWouldBlock = 35;
    const int WindowsSharingViolation = unchecked((int)0x80070020);

    readonly Dictionary<string, TensorSnapshot> _snapshots = new(StringComparer.Ordinal);
    readonly Lock _indexing = new();
    readonly string _folder;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    FileStream? _lock;
    PendingCheckpoint? _pending;
    Task _preparation = Task.CompletedTask;
    long _sequence;
    bool _disposed;

    /// <summary>Looks at a folder. Nothing is created or changed before the first save.</summary>
    /// <param name="folder">Where the checkpoints are, or will be.</param>
    /// <param name="time">Where their dates come from; the system's clock when none is given.</param>
    /// <param name="logger">Told of recoveries and of what could not be cleaned up; nobody when none is given.</param>
    public CheckpointStore(string folder, TimeProvider? time = null, ILogger? logger = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        _folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger.Instance;
    }

    /// <summary>Full path of the folder.</summary>
    public string Folder => _folder;

    /// <summary>
    /// Which checkpoints stay once another was saved; the others are removed by the thread that wrote it, so that a background save takes no more of the
    /// caller's time for it. The one just saved stays in any case.
    /// </summary>
    /// <value>Default null: all stay.</value>
    public Func<IReadOnlyList<CheckpointInfo>, IEnumerable<CheckpointInfo>>? Retain { get; set; }

    /// <summary>Writes a checkpoint. When this returns it is whole and durable; until then it is not there.</summary>
    /// <param name="name">Its name, a folder name; one of that name is replaced in one step.</param>
    /// <param name="content">Borrowed until this returns.</param>
    /// <param name="facts">What to say of it.</param>
    /// <param name="cancellation">Looked at between files. A cancelled save leaves nothing.</param>
    /// <exception cref="CheckpointException">It, or the one still being written, could not be written; what was there before is untouched.</exception>
    public CheckpointInfo Save(string name, CheckpointContent content, CheckpointFacts facts, CancellationToken cancellation = default)
    {
        var save = Begin(name, content, facts, cancellation);
        return Write(save, content.Tensors.Select(stem => new CheckpointFolder.TensorFile(stem.Key, (folder, file) => SafetensorsWriter.WriteIn(folder, file, stem.Value))), cancellation);
    }

    /// <summary>
    /// Begins a checkpoint that all ranks write, each its share, and finish together before they begin another. Every rank calls it, with a store of the same folder; the first one's keeps the order, and removes
    /// what is not to stay.
    /// </summary>
    /// <inheritdoc cref="Save"/>
    /// <param name="group">The ranks.</param>
    /// <param name="inBackground">Whether each rank copies its share, and writes it on another thread; else it is written when this returns.</param>
    internal PendingShardedCheckpoint BeginTogether(string name, Group group, CheckpointContent content, CheckpointFacts facts, bool inBackground)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var path = PathOf(name);
        var isFirst = group.Rank == 0;
        if (isFirst)
        {
            Flush();
            AcquireLock();
        }
        using var scope = TensorScope.Open();
        // What is whole, the first rank has.
        var whole = isFirst ? content.Tensors.SelectMany(stem => stem.Value.Select(t => LogicalSlice.Whole($"{stem.Key}/{t.Key}", t.Value.contiguous()))) : [];
        var sharded = new ShardedContent { Slices = content.Slices!.Concat(whole), State = content.State };
        return ShardedCheckpointWriter.Begin(path, group, sharded, facts, new ShardedSaveOptions(isFirst ? ++_sequence : 0, _time, inBackground ? SnapshotOf(ShareSnapshot) : null, isFirst ? Tidy : null));
    }

    /// <summary>
    /// Copies the content and writes it on another thread: the caller waits for the copy only. One save is under way at a time; a second waits for the
    /// first, and throws its error if nobody has had it.
    /// </summary>
    /// <inheritdoc cref="Save"/>
    public PendingCheckpoint SaveInBackground(string name, CheckpointContent content, CheckpointFacts facts, CancellationToken cancellation = default)
    {
        var save = Begin(name, content, facts, cancellation);
        _preparation.WaitAsync(cancellation).GetAwaiter().GetResult();
        foreach (var (stem, tensors) in content.Tensors) SnapshotOf(stem).Capture(tensors);

        var files = content.Tensors.Keys.Select(stem => new CheckpointFolder.TensorFile(stem, (folder, file) => SafetensorsWriter.WriteIn(folder, file, _snapshots[stem]))).ToArray();
        var writing = Task.Factory.StartNew(() => Write(save, files, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return _pending = new PendingCheckpoint(name, writing);
    }

    /// <summary>Gets the memory for background saves of content like this, on another thread, so that the first one already stops training for a copy only.</summary>
    /// <param name="content">Only its sizes are looked at; borrowed until this returns.</param>
    public void Prepare(CheckpointContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        ObjectDisposedException.ThrowIf(_disposed, this);
        Flush();
        _preparation.GetAwaiter().GetResult();
        var sizes = content.Tensors.Select(stem => (Snapshot: SnapshotOf(stem.Key), Bytes: stem.Value.Sum(t => t.Value.NumberOfElements * t.Value.ElementSize))).ToArray();
        _preparation = Task.Factory.StartNew(
            () =>
            {
                foreach (var (snapshot, bytes) in sizes) snapshot.Reserve(bytes);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    /// <summary>Waits until everything that was saved is on the disk.</summary>
    /// <exception cref="CheckpointException">The save under way failed, and nobody has had its error yet.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the writing goes on.</exception>
    public void Flush(CancellationToken cancellation = default)
    {
        if (_pending is not { } pending) return;
        pending.Settle(cancellation);
        _pending = null;
    }

    /// <summary>The checkpoints that are there, in the order they were saved, the newest last. Damaged ones are left out; <see cref="OpenLastGood"/> says why.</summary>
    public IReadOnlyList<CheckpointInfo> List()
    {
        var found = ReadManifests(out var damaged);
        foreach (var error in damaged) _logger.LogWarning("Skipped a checkpoint: {Reason}", error.Message);
        return found;
    }

    /// <summary>The newest checkpoint, if there is one.</summary>
    public CheckpointInfo? Last() => List() is [.., var last] ? last : null;

    /// <summary>Removes a checkpoint: first its name, then its files, so that nobody ever sees a part of it.</summary>
    /// <exception cref="CheckpointException">There is none of that name, or it cannot be removed.</exception>
    public void Delete(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var path = PathOf(name);
        if (!Directory.Exists(path)) throw new CheckpointException(path, $"there is no such checkpoint to delete; {Known()}");
        AcquireLock();
        Remove(path);
        WriteIndex();
    }

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="nameOrPath">A name in this store, or the path of any checkpoint's folder.</param>
    /// <param name="verify">Whether the content of every file is compared with its hash, or its length only.</param>
    /// <exception cref="CheckpointException">It is missing or damaged; the message says what, and names the newest whole one before it.</exception>
    public LoadedCheckpoint Open(string nameOrPath, bool verify = true)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        var path = Path.Combine(_folder, nameOrPath);
        if (!Directory.Exists(path)) path = Path.GetFullPath(nameOrPath);
        if (!Directory.Exists(path)) throw new CheckpointException(path, $"there is no such checkpoint; {Known()}");
        try
        {
            return LoadedCheckpoint.Open(path, verify);
        }
        catch (CheckpointException error)
        {
            using var good = OpenGood(List().Where(c => c.Path != path), []);
            throw new CheckpointException(error.Path, error.Problem, good?.Info.Name, error.InnerException);
        }
    }

    /// <summary>Opens the newest checkpoint that is whole, its content compared with its hashes.</summary>
    /// <param name="skipped">Why newer ones were passed over.</param>
    /// <returns>None when the folder holds none that is whole.</returns>
    public LoadedCheckpoint? OpenLastGood(out IReadOnlyList<CheckpointException> skipped)
    {
        var found = ReadManifests(out var reasons);
        skipped = reasons;
        return OpenGood(found, reasons);
    }

    /// <summary>Waits for the save under way and lets go of the folder. An error of that save that nobody has had goes to the log.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Task.WaitAny(_preparation);
        if (_pending is { } pending)
        {
            pending.WaitForEnd(CancellationToken.None);
            if (pending.UnseenError is { } error) _logger.LogError(error, "The checkpoint {Name} was not saved.", pending.Name);
        }

        foreach (var snapshot in _snapshots.Values) snapshot.Dispose();
        _lock?.Dispose();
    }

    static LoadedCheckpoint? OpenGood(IEnumerable<CheckpointInfo> oldestFirst, List<CheckpointException> skipped)
    {
        foreach (var candidate in oldestFirst.Reverse())
        {
            try
            {
                return LoadedCheckpoint.Open(candidate.Path);
            }
            catch (CheckpointException error)
            {
                skipped.Add(error);
            }
        }

        return null;
    }

    List<CheckpointInfo> ReadManifests(out List<CheckpointException> damaged)
    {
        var found = new List<CheckpointInfo>();
        damaged = [];
        foreach (var folder in Folders())
        {
            try
            {
                found.Add(CheckpointManifest.Read(folder).Describe(folder));
            }
            catch (CheckpointException error)
            {
                damaged.Add(error);
            }
        }

        found.Sort(static (a, b) => (a.Sequence, a.Step, a.Name).CompareTo((b.Sequence, b.Step, b.Name)));
        return found;
    }

    /// <summary>Checks the arguments of a save, waits for the one before it, and makes sure that this process is the one that writes.</summary>
    CheckpointFolder.Save Begin(string name, CheckpointContent content, CheckpointFacts facts, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(facts);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var path = PathOf(name);
        Flush(cancellation);
        AcquireLock();
        return new CheckpointFolder.Save(path, ++_sequence, facts, _time.GetUtcNow(), CheckpointFolder.StateBytes(content.State));
    }

    CheckpointInfo Write(CheckpointFolder.Save save, IEnumerable<CheckpointFolder.TensorFile> files, CancellationToken cancellation)
    {
        var info = CheckpointFolder.Write(save, files, cancellation);
        Tidy(info);
        return info;
    }

    void Tidy(CheckpointInfo info)
    {
        if (Retain is { } retain)
        {
            var all = List();
            var kept = retain(all).Append(info).Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var old in all)
                if (!kept.Contains(old.Name)) Remove(old.Path);
        }

        WriteIndex();
    }

    void Remove(string path)
    {
        var leaving = DurableFile.TemporaryName(path);
        try
        {
            Directory.Move(path, leaving);
            DurableFolder.Sync(_folder);
            Directory.Delete(leaving, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"it could not be deleted: {error.Message}", innerException: error);
        }
    }

    TensorSnapshot SnapshotOf(string stem)
    {
        if (!_snapshots.TryGetValue(stem, out var snapshot)) _snapshots[stem] = snapshot = new TensorSnapshot();
        return snapshot;
    }

    string PathOf(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.StartsWith('.') || name.AsSpan().ContainsAny(Path.GetInvalidFileNameChars()) || name.Contains(DurableFile.TemporaryMark, StringComparison.Ordinal) || name.EndsWith(DurableFolder.PreviousMark, StringComparison.Ordinal))
            throw new ArgumentException($"\"{name}\" cannot name a checkpoint: it must be a folder name that does not begin with a dot, contain \"{DurableFile.TemporaryMark}\" or end in \"{DurableFolder.PreviousMark}\".", nameof(name));
        return Path.Combine(_folder, name);
    }

    /// <summary>Every folder that claims to be a checkpoint.</summary>
    IEnumerable<string> Folders()
    {
        if (!Directory.Exists(_folder)) return [];
        return Directory.EnumerateDirectories(_folder).Where(folder =>
        {
            var name = Path.GetFileName(folder);
            if (name.Contains(DurableFile.TemporaryMark, StringComparison.Ordinal)) return false;
            // Left by a writer that died between two renames: it counts until its replacement is there.
            if (name.EndsWith(DurableFolder.PreviousMark, StringComparison.Ordinal) && Directory.Exists(folder[..^DurableFolder.PreviousMark.Length])) return false;
            return File.Exists(Path.Combine(folder, CheckpointManifest.FileName)) || File.Exists(Path.Combine(folder, CheckpointFolder.StateFile));
        });
    }

    string Known() => List() is { Count: > 0 } all ? $"{_folder} holds {string.Join(", ", all.Select(c => c.Name))}." : $"{_folder} holds none.";

    void AcquireLock()
    {
        if (_lock is not null) return;
        var path = Path.Combine(_folder, LockFile);
        try
        {
            if (!Directory.Exists(_folder))
            {
                Directory.CreateDirectory(_folder);
                DurableFolder.Sync(Path.GetDirectoryName(_folder)!);
            }

            _lock = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            RemoveLeftovers();
            _sequence = Last()?.Sequence ?? 0;
        }
        catch (IOException error) when (error.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            throw new CheckpointException(_folder, "another run is saving its checkpoints here: wait until it ends, or give this one a folder of its own.", innerException: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(_folder, $"checkpoints cannot be saved here: {error.Message}", innerException: error);
        }
    }

    /// <summary>Removes what writers that died left. Only the holder of the lock calls this, so no living writer's work is among it.</summary>
    void RemoveLeftovers()
    {
        foreach (var folder in Directory.EnumerateDirectories(_folder).ToArray())
        {
            var name = Path.GetFileName(folder);
            if (name.EndsWith(DurableFolder.PreviousMark, StringComparison.Ordinal))
            {
                var final = folder[..^DurableFolder.PreviousMark.Length];
                if (Directory.Exists(final)) Directory.Delete(folder, recursive: true);
                else Directory.Move(folder, final);
                _logger.LogInformation("Recovered the checkpoint {Name} from a save that did not end.", Path.GetFileName(final));
            }
            else if (name.Contains(DurableFile.TemporaryMark, StringComparison.Ordinal))
            {
                Directory.Delete(folder, recursive: true);
                _logger.LogInformation("Removed {Name}, left by a save that did not end.", name);
            }
        }

        foreach (var file in Directory.EnumerateFiles(_folder, CheckpointIndex.FileName + DurableFile.TemporaryMark + "*").ToArray()) File.Delete(file);
    }

    /// <summary>Not fsynced: after a power failure it may be missing or old, and the next save writes it anew from the folders.</summary>
    void WriteIndex()
    {
        lock (_indexing)
        {
            var path = Path.Combine(_folder, CheckpointIndex.FileName);
            var temporary = DurableFile.TemporaryName(path);
            try
            {
                File.WriteAllBytes(temporary, CheckpointIndex.Write(List()));
                File.Move(temporary, path, overwrite: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                _logger.LogWarning(error, "The checkpoint is saved, but {Path} could not be rewritten.", path);
            }
        }
    }
}
