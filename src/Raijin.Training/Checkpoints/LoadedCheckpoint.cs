using System.Text.Json.Nodes;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>A tensor of a checkpoint: what it is, and the SHA-256 of its bytes in lower-case hexadecimal.</summary>
/// <param name="File">The file it is in, such as <c>model.safetensors</c>.</param>
/// <param name="Name">Its name in that file.</param>
/// <param name="Dtype">The format's name of its element type: <c>F32</c>, <c>I64</c> …</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Bytes">Bytes of its elements.</param>
/// <param name="Sha256">Hash of those bytes, little endian and row-major.</param>
public sealed record TensorSummary(string File, string Name, string Dtype, IReadOnlyList<long> Shape, long Bytes, string Sha256);

/// <summary>An open checkpoint, checked against its manifest. Its files are mapped: what is not asked for is not read.</summary>
public sealed class LoadedCheckpoint : IDisposable
{
    readonly Dictionary<string, SafetensorsFile> _files = new(StringComparer.Ordinal);
    readonly CheckpointManifest _manifest;
    ShardedCheckpoint? _logical;
    bool _disposed;

    LoadedCheckpoint(string folder, CheckpointManifest manifest, JsonObject state)
    {
        _manifest = manifest;
        Info = manifest.Describe(folder);
        State = state;
    }

    /// <summary>What was said of it when it was saved.</summary>
    public CheckpointInfo Info { get; }

    /// <summary>Full path of its folder.</summary>
    public string Path => Info.Path;

    /// <summary>The plain data it holds.</summary>
    public JsonObject State { get; }

    /// <summary>Its tensors, whoever wrote them: a rank alone, or each of several its part. It belongs to this checkpoint, whose hashes were compared.</summary>
    public ShardedCheckpoint Logical
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _logical ??= ShardedCheckpoint.Open(Path, verify: false);
        }
    }

    /// <summary>The names of the tensors under a stem, whoever wrote them.</summary>
    internal IEnumerable<string> NamesOf(string stem) => Logical.Tensors.Where(t => t.Stem == stem).Select(t => t.Key);

    /// <summary>A tensor under a stem, whoever wrote it; the caller owns it.</summary>
    internal TorchSharp.torch.Tensor Read(string stem, string name) => Logical.Read($"{stem}/{name}");

    /// <summary>The stems <see cref="File"/> knows: none where several ranks wrote, each its part of every stem.</summary>
    public IEnumerable<string> Stems =>
        _manifest.Files.Keys.Where(f => f.EndsWith(CheckpointFolder.TensorSuffix, StringComparison.Ordinal)).Select(f => f[..^CheckpointFolder.TensorSuffix.Length]);

    /// <summary>Opens the checkpoint in a folder.</summary>
    /// <param name="folder">A checkpoint's own folder.</param>
    /// <param name="verify">Whether the content of every file is compared with its hash (one pass over the bytes), or its length only.</param>
    /// <exception cref="CheckpointException">It is missing or damaged; the message says which file, what was expected and what was found.</exception>
    public static LoadedCheckpoint Open(string folder, bool verify = true)
    {
        folder = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
        var manifest = CheckpointManifest.Read(folder);
        manifest.Check(folder, verify);
        return new LoadedCheckpoint(folder, manifest, CheckpointFiles.ReadState(folder));
    }

    /// <summary>Whether it holds tensors under that stem.</summary>
    public bool Has(string stem) => _manifest.Files.ContainsKey(stem + CheckpointFolder.TensorSuffix);

    /// <summary>The tensors under that stem. The file belongs to this checkpoint; tensors read from it may outlive both.</summary>
    /// <exception cref="CheckpointException">There is no such stem, or its file is not a safetensors file.</exception>
    public SafetensorsFile File(string stem)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_files.TryGetValue(stem, out var open)) return open;
        var path = System.IO.Path.Combine(Path, stem + CheckpointFolder.TensorSuffix);
        if (!Has(stem)) throw new CheckpointException(path, $"the checkpoint has no such file; it holds {string.Join(", ", Stems.DefaultIfEmpty("none"))}.");
        return _files[stem] = CheckpointFiles.OpenTensors(path);
    }

    /// <summary>Every tensor with its hash, file by file in the order of the bytes. Reads every byte.</summary>
    public IEnumerable<TensorSummary> Inspect()
    {
        foreach (var stem in Stems)
        {
            var file = File(stem);
            foreach (var entry in file.Entries)
                yield return new TensorSummary(stem + CheckpointFolder.TensorSuffix, entry.Name, entry.Dtype, entry.Shape, entry.Bytes, Convert.ToHexStringLower(file.Sha256(entry.Name)));
        }
    }

    /// <summary>Closes the files. Tensors that were read from them stay valid.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (var file in _files.Values) file.Dispose();
        _files.Clear();
        _logical?.Dispose();
    }
}
