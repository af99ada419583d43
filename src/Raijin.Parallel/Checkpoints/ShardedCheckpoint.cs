using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// An open checkpoint, by logical tensors: whoever wrote it, any rank of any world reads the elements it needs. One that a single rank wrote (a file a stem, no index) opens the same way,
/// its tensors named <c>stem/name</c>.
/// </summary>
/// <remarks>Files are opened when something is read from them, and checked then. Used by one thread at a time.</remarks>
public sealed class ShardedCheckpoint : IDisposable
{
    /// <summary>The file that a checkpoint of several ranks has, and one of a single rank has not.</summary>
    public const string IndexFile = ShardIndex.FileName;

    internal const string RankStates = "ranks";

    readonly Dictionary<string, SafetensorsFile> _files;
    readonly Dictionary<string, LogicalTensor> _byName;
    bool _disposed;

    ShardedCheckpoint(CheckpointInfo info, JsonObject state, int worldSize, IReadOnlyList<LogicalTensor> tensors, Dictionary<string, SafetensorsFile> files)
    {
        Info = info;
        State = state;
        WorldSize = worldSize;
        Tensors = tensors;
        _files = files;
        _byName = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>What was said of it when it was saved.</summary>
    public CheckpointInfo Info { get; }

    /// <summary>Full path of its folder.</summary>
    public string Path => Info.Path;

    /// <summary>The plain data it holds.</summary>
    public JsonObject State { get; }

    /// <summary>How many ranks wrote it.</summary>
    public int WorldSize { get; }

    /// <summary>Its tensors in the order of their names.</summary>
    public IReadOnlyList<LogicalTensor> Tensors { get; }

    /// <summary>The plain data that a rank gave, of a world of the size that wrote it; null where it gave none.</summary>
    public JsonObject? RankState(int rank) => State[RankStates] is JsonArray ranks && rank < ranks.Count ? ranks[rank]?.AsObject() : null;

    /// <summary>Opens the checkpoint in a folder.</summary>
    /// <param name="folder">A checkpoint's own folder.</param>
    /// <param name="verify">Whether the content of every file is compared with its hash (one pass over the bytes), or its length only.</param>
    /// <exception cref="CheckpointException">It is missing or damaged; the message says which file, what was expected and what was found.</exception>
    public static ShardedCheckpoint Open(string folder, bool verify = true) => Open(folder, verify, 0, 1);

    /// <summary>Opens the checkpoint in a folder on all ranks of a group, which share the work of comparing hashes: when one finds damage, all fail.</summary>
    /// <inheritdoc cref="Open(string, bool)"/>
    public static ShardedCheckpoint Open(string folder, Group group)
    {
        ArgumentNullException.ThrowIfNull(group);
        ShardedCheckpoint? opened = null;
        CheckpointException? error = null;
        try
        {
            opened = Open(folder, verify: true, group.Rank, group.Size);
        }
        catch (CheckpointException refused)
        {
            error = refused;
        }

        try
        {
            var problems = group.AllGatherObjects(new OpenOutcome(RankProblem.Of(error, group.Rank)), ShardJson.Default.OpenOutcome).Select(o => o.Problem);
            RankProblem.ThrowFirst(folder, problems, error, "No rank loads it.");
        }
        catch
        {
            opened?.Dispose();
            throw;
        }

        return opened!;
    }

    /// <summary>The tensor of that name, or null.</summary>
    public LogicalTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Copies a run of a tensor's elements into one that exists. Autograd does not see it.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="start">The first element of the run, counted row-major over the whole tensor.</param>
    /// <param name="destination">As many elements, contiguous, of any device; changed in place.</param>
    /// <param name="convert">Whether values are converted to another dtype of the destination (bf16 weights from an fp32 checkpoint); else another dtype is refused.</param>
    /// <exception cref="CheckpointException">There is no such tensor, it has fewer elements, another dtype, or its file is missing or damaged.</exception>
    public void Read(string name, long start, Tensor destination, bool convert = false)
    {
        TensorGuard.ThrowIfFreed(destination);
        var tensor = Entry(name);
        var count = destination.NumberOfElements;
        if (!destination.is_contiguous()) ShapeMismatchException.Throw(name, "a contiguous destination", $"[{string.Join(", ", destination.shape)}] with gaps", "Give tensor.contiguous(), and copy back.");
        if (start < 0 || count > tensor.NumElements - start)
            throw new CheckpointException(Path, $"\"{name}\": elements {start} to {start + count} were asked for, but {tensor} has {tensor.NumElements}.");
        if (tensor.ScalarType is not { } type) throw new CheckpointException(Path, $"\"{name}\": its dtype {tensor.Dtype} has no counterpart in libtorch here.");
        if (type != destination.dtype && !convert)
            throw new CheckpointException(Path, $"\"{name}\": it is {tensor.Dtype}, the destination {destination.dtype}: ask for a conversion, or load into the type that was saved.");
        if (count == 0) return;

        using var scope = NewDisposeScope();
        using var untracked = no_grad();
        var flat = destination.detach().view(-1);
        for (var i = FirstRange(tensor, start); i < tensor.Ranges.Count && tensor.Ranges[i].Start < start + count; i++)
        {
            var range = tensor.Ranges[i];
            var from = Math.Max(start, range.Start);
            var to = Math.Min(start + count, range.Start + range.Count);
            var part = flat.narrow(0, from - start, to - from);
            var file = FileOf(tensor, range);
            try
            {
                if (type == destination.dtype) file.CopyRangeTo(range.Key, from - range.Start, part);
                else part.copy_(file.Tensor(range.Key).view(-1).narrow(0, from - range.Start, to - from));
            }
            catch (Exception error) when (error is SafetensorsException or IOException or UnauthorizedAccessException)
            {
                throw new CheckpointException(file.Path, $"it cannot be read: {error.Message}", innerException: error);
            }
        }
    }

    /// <summary>A whole tensor, as it was saved.</summary>
    /// <returns>A host tensor that needs no gradient; the caller owns it.</returns>
    /// <exception cref="CheckpointException">There is no such tensor, or its file is missing or damaged.</exception>
    public Tensor Read(string name)
    {
        var tensor = Entry(name);
        var whole = empty([.. tensor.Shape], tensor.ScalarType ?? throw new CheckpointException(Path, $"\"{name}\": its dtype {tensor.Dtype} has no counterpart in libtorch here."), device: CPU);
        try
        {
            Read(name, 0, whole);
            return whole;
        }
        catch
        {
            whole.Dispose();
            throw;
        }
    }

    /// <summary>Compares the elements of every tensor with their hashes. Reads every byte.</summary>
    /// <returns>What is damaged: nothing when it is whole.</returns>
    public IEnumerable<CheckpointException> Verify()
    {
        foreach (var tensor in Tensors)
        {
            foreach (var range in tensor.Ranges)
            {
                if (Problem(tensor, range) is { } problem) yield return problem;
            }
        }
    }

    /// <summary>Writes the tensors of a stem as one plain safetensors file, whole ones under their names without the stem. They are never joined in memory.</summary>
    /// <param name="stem"><c>model</c>, <c>optimizer</c> …</param>
    /// <param name="path">Where; its folder exists. What was there stays until the new file is whole.</param>
    /// <param name="metadata">Free text to keep with them.</param>
    /// <exception cref="CheckpointException">There is no such stem, or a file is missing or damaged.</exception>
    /// <exception cref="IOException">The disk is full, or the folder is missing.</exception>
    public WrittenFile Merge(string stem, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = NewDisposeScope();
        PiecewiseTensor[] tensors = [.. Tensors.Where(t => t.Stem == stem).Select(Pieces)];
        if (tensors.Length == 0) throw new CheckpointException(Path, $"it holds nothing of \"{stem}\"; it holds {string.Join(", ", Tensors.Select(t => t.Stem).Distinct().DefaultIfEmpty("no tensors"))}.");
        return SafetensorsWriter.WriteJoined(path, tensors, metadata);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (var file in _files.Values) file.Dispose();
        _files.Clear();
    }

    static ShardedCheckpoint Open(string folder, bool verify, int part, int parts)
    {
        folder = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
        var manifest = CheckpointManifest.Read(folder);
        manifest.Check(folder, verify, part, parts);
        var info = manifest.Describe(folder);
        var state = CheckpointFiles.ReadState(folder);
        if (manifest.Files.ContainsKey(ShardIndex.FileName))
        {
            var (worldSize, tensors) = ShardIndex.Read(folder, manifest.Files);
            return new ShardedCheckpoint(info, state, worldSize, tensors, []);
        }

        return OfStems(info, state, manifest);
    }

    static ShardedCheckpoint OfStems(CheckpointInfo info, JsonObject state, CheckpointManifest manifest)
    {
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            var tensors = new List<LogicalTensor>();
            foreach (var name in manifest.Files.Keys.Where(f => f.EndsWith(CheckpointStaging.TensorSuffix, StringComparison.Ordinal)))
            {
                var file = files[name] = CheckpointFiles.OpenTensors(System.IO.Path.Combine(info.Path, name));
                var stem = name[..^CheckpointStaging.TensorSuffix.Length];
                foreach (var entry in file.Entries)
                {
                    var elements = entry.Bytes / SafetensorsDtype.ElementBytes(entry.Dtype);
                    tensors.Add(new($"{stem}/{entry.Name}", entry.Dtype, entry.Shape, elements == 0 ? [] : [new StoredRange(name, entry.Name, 0, elements, null)]));
                }
            }

            return new ShardedCheckpoint(info, state, 1, [.. tensors.OrderBy(t => t.Name, StringComparer.Ordinal)], files);
        }
        catch
        {
            foreach (var file in files.Values) file.Dispose();
            throw;
        }
    }

    static int FirstRange(LogicalTensor tensor, long start)
    {
        // The last range that begins at start or before it.
        var (low, high) = (0, tensor.Ranges.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (tensor.Ranges[middle].Start <= start) low = middle;
            else high = middle - 1;
        }

        return low;
    }

    SafetensorsFile FileOf(LogicalTensor tensor, StoredRange range)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_files.TryGetValue(range.File, out var file)) _files.Add(range.File, file = CheckpointFiles.OpenTensors(System.IO.Path.Combine(Path, range.File)));
        if (range.Xxh3 is not null && (!file.Contains(range.Key) || file.Entry(range.Key) is var entry && (entry.Dtype != tensor.Dtype || entry.Shape is not [var count] || count != range.Count)))
            throw new CheckpointException(file.Path, $"the index says that it holds \"{range.Key}\" as [{range.Count}] {tensor.Dtype}, but it holds {(file.Contains(range.Key) ? file.Entry(range.Key) : "no such tensor")}: shards of different saves are mixed.");
        return file;
    }

    CheckpointException? Problem(LogicalTensor tensor, StoredRange range)
    {
        try
        {
            var file = FileOf(tensor, range);
            if (range.Xxh3 is null || CheckpointManifest.Hex(file.Hash(range.Key)) is var found && found == range.Xxh3) return null;
            return new CheckpointException(file.Path, $"elements {range.Start} to {range.Start + range.Count} of \"{tensor.Name}\" do not have the hash {range.Xxh3} that the index says: they were damaged after they were saved.");
        }
        catch (Exception error) when (error is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            return new CheckpointException(System.IO.Path.Combine(Path, range.File), $"it cannot be read: {error.Message}", innerException: error);
        }
        catch (CheckpointException error)
        {
            return error;
        }
    }

    // Views of the files' pages, which the open scope owns.
    PiecewiseTensor Pieces(LogicalTensor tensor)
    {
        if (tensor.ScalarType is not { } type) throw new CheckpointException(Path, $"\"{tensor.Name}\": its dtype {tensor.Dtype} has no counterpart in libtorch here.");
        return new(tensor.Key, tensor.Shape, tensor.Ranges.Count == 0 ? [empty([.. tensor.Shape], type)] : [.. tensor.Ranges.Select(range => FileOf(tensor, range).Tensor(range.Key))]);
    }

    LogicalTensor Entry(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_byName.TryGetValue(name, out var tensor)) return tensor;
        var some = string.Join(", ", Tensors.Take(5).Select(t => $"\"{t.Name}\""));
        throw new CheckpointException(Path, $"it holds no tensor \"{name}\"; it holds {Tensors.Count}{(some.Length == 0 ? "" : ": ")}{some}{(Tensors.Count > 5 ? ", …" : "")}.");
    }
}
