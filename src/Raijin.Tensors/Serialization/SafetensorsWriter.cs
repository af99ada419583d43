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
    public static WrittenFile WriteIn(string folder, string name, IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var layout = SafetensorsLayout.Of(tensors, null);
        using var file = DurableFile.CreateIn(folder, name, layout.Header.Length + layout.DataBytes);
        return Write(file, layout);
    }

    /// <summary>Writes a snapshot into a folder that is published later as a whole.</summary>
    /// <inheritdoc cref="Write(string, TensorSnapshot)"/>
    public static WrittenFile WriteIn(string folder, string name, TensorSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        using var file = DurableFile.CreateIn(folder, name, snapshot.FileBytes);
        return Write(file, snapshot);
    }

    static WrittenFile Write(DurableFile file, SafetensorsLayout layout)
    {
        file.Write(layout.Header);
        foreach (var item in layout.Items)
        {
            using var dense = new DenseHostCopy(item.Tensor);
            WriteMemory(file, dense.Address, item.Bytes);
        }

        file.Commit();
        return new WrittenFile(file.Bytes, file.Hash);
    }

    static WrittenFile Write(DurableFile file, TensorSnapshot snapshot)
    {
        file.Write(snapshot.Header);
        WriteMemory(file, snapshot.Address, snapshot.DataBytes);
        file.Commit();
        return new WrittenFile(file.Bytes, file.Hash);
    }

    static void WriteMemory(DurableFile file, nint address, long bytes)
    {
        for (var done = 0L; done < bytes; done += ChunkBytes)
            file.Write(new ReadOnlySpan<byte>((byte*)address + done, (int)Math.Min(ChunkBytes, bytes - done)));
    }
}
