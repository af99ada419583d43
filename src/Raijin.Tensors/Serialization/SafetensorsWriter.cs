using System.IO.Hashing;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>What was written, for a manifest to keep.</summary>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Hash">XxHash3 of its bytes.</param>
public readonly record struct WrittenFile(long Bytes, ulong Hash);

/// <summary>
/// Writes tensors as a safetensors file, straight from their memory: dense host tensors are not copied, others are brought to the host one at a time.
/// </summary>
public static unsafe class SafetensorsWriter
{
    const long ChunkBytes = 1 << 30;

    /// <summary>Small enough that what was hashed is still in the caches when it is written.</summary>
    const long HashedChunkBytes = 4 << 20;

    /// <summary>Writes a file that appears under its name, whole and durable, when this returns; what was there stays until then.</summary>
    /// <param name="path">Where; its folder exists.</param>
    /// <param name="tensors">Names and tensors of any device, layout and of the dtypes the format has; borrowed.</param>
    /// <param name="metadata">Free text to keep with them.</param>
    /// <exception cref="ArgumentException">A name is doubled or reserved, or the format has no such dtype (complex doubles, quantized).</exception>
    /// <exception cref="ObjectDisposedException">A tensor was freed.</exception>
    /// <exception cref="IOException">The disk is full, or the folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is read-only.</exception>
    public static WrittenFile Write(string path, IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var layout = SafetensorsLayout.Of(tensors, metadata);
        using var file = DurableFile.Replace(path, layout.Header.Length + layout.DataBytes);
        return Write(file, layout);
    }

    /// <summary>Writes a snapshot in the same way.</summary>
    /// <exception cref="IOException">The disk is full, or the folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is read-only.</exception>
    public static WrittenFile Write(string path, TensorSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        using var file = DurableFile.Replace(path, snapshot.FileBytes);
        return Write(file, snapshot);
    }

    /// <summary>Writes a file into a folder that is published later as a whole (<see cref="DurableFolder.Publish(string, string)"/>).</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyCollection{KeyValuePair{string, Tensor}}, IReadOnlyDictionary{string, string})"/>
    /// <param name="folder">The folder that is written.</param>
    /// <param name="name">The file's name in it.</param>
    /// <param name="tensors">Names and tensors; borrowed.</param>
    /// <param name="hashes">Gets the XxHash3 of each tensor's bytes under its name; null where nobody asks.</param>
    public static WrittenFile WriteIn(string folder, string name, IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors, IDictionary<string, ulong>? hashes = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var layout = SafetensorsLayout.Of(tensors, null);
        using var file = DurableFile.CreateIn(folder, name, layout.Header.Length + layout.DataBytes);
        return Write(file, layout, hashes);
    }

    /// <summary>Writes tensors that lie in pieces, one piece after another: they are never joined in memory.</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyCollection{KeyValuePair{string, Tensor}}, IReadOnlyDictionary{string, string})"/>
    public static WrittenFile WriteJoined(string path, IReadOnlyCollection<PiecewiseTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var layout = SafetensorsLayout.Of(tensors, metadata);
        using var file = DurableFile.Replace(path, layout.Header.Length + layout.DataBytes);
        return Write(file, layout);
    }

    /// <summary>Writes tensors that lie in pieces into a folder that is published later as a whole.</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyCollection{KeyValuePair{string, Tensor}}, IReadOnlyDictionary{string, string})"/>
    public static WrittenFile WriteJoinedIn(string folder, string name, IReadOnlyCollection<PiecewiseTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var layout = SafetensorsLayout.Of(tensors, null);
        using var file = DurableFile.CreateIn(folder, name, layout.Header.Length + layout.DataBytes);
        return Write(file, layout);
    }

    /// <summary>Writes a snapshot into a folder that is published later as a whole.</summary>
    /// <inheritdoc cref="Write(string, TensorSnapshot)"/>
    /// <param name="folder">The folder that is written.</param>
    /// <param name="name">The file's name in it.</param>
    /// <param name="hashes">Gets the XxHash3 of each tensor's bytes under its name; null where nobody asks.</param>
    public static WrittenFile WriteIn(string folder, string name, TensorSnapshot snapshot, IDictionary<string, ulong>? hashes = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        using var file = DurableFile.CreateIn(folder, name, snapshot.FileBytes);
        return Write(file, snapshot, hashes);
    }

    static WrittenFile Write(DurableFile file, SafetensorsLayout layout, IDictionary<string, ulong>? hashes = null)
    {
        file.Write(layout.Header);
        var hash = hashes is null ? null : new XxHash3();
        foreach (var item in layout.Items)
        {
            foreach (var piece in item.Pieces)
            {
                using var dense = new DenseHostCopy(piece);
                WriteMemory(file, dense.Address, piece.NumberOfElements * piece.ElementSize, hash);
            }

            if (hash is null) continue;
            hashes![item.Name] = hash.GetCurrentHashAsUInt64();
            hash.Reset();
        }

        file.Commit();
        return new WrittenFile(file.Bytes, file.Hash);
    }

    static WrittenFile Write(DurableFile file, TensorSnapshot snapshot, IDictionary<string, ulong>? hashes = null)
    {
        file.Write(snapshot.Header);
        if (hashes is null)
        {
            WriteMemory(file, snapshot.Address, snapshot.DataBytes);
        }
        else
        {
            var hash = new XxHash3();
            foreach (var (name, offset, bytes) in snapshot.Items)
            {
                WriteMemory(file, snapshot.Address + (nint)offset, bytes, hash);
                hashes[name] = hash.GetCurrentHashAsUInt64();
                hash.Reset();
            }
        }
        file.Commit();
        return new WrittenFile(file.Bytes, file.Hash);
    }

    static void WriteMemory(DurableFile file, nint address, long bytes, XxHash3? hash = null)
    {
        var chunk = hash is null ? ChunkBytes : HashedChunkBytes;
        for (var done = 0L; done < bytes; done += chunk)
        {
            var part = new ReadOnlySpan<byte>((byte*)address + done, (int)Math.Min(chunk, bytes - done));
            hash?.Append(part);
            file.Write(part);
        }
    }
}
