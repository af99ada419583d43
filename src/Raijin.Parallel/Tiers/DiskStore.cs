using System.Globalization;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>A part of a store, by name.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Offset">Where it begins in the file; a multiple of <see cref="ScratchFile.Alignment"/>.</param>
/// <param name="Bytes">Its size.</param>
readonly record struct DiskRange(string Name, long Offset, long Bytes);

/// <summary>
/// Named ranges of one file on the tier: parameter shards, optimizer state. All space is taken when it is made, so that a disk that is too small is known before training begins; it is free
/// again when the process ends, however it ends. Transfers go on while the caller computes; any number may be under way on ranges that do not overlap.
/// </summary>
sealed class DiskStore : IDisposable
{
    readonly ScratchFile _file;
    readonly DiskQueue _reads;
    readonly DiskQueue _writes;
    readonly Dictionary<string, DiskRange> _ranges = new(StringComparer.Ordinal);
    long _bytesRead;
    long _bytesWritten;
    bool _disposed;

    /// <summary>Makes the file.</summary>
    /// <param name="folder">Where; made when it does not exist.</param>
    /// <param name="ranges">Names and sizes.</param>
    /// <param name="threads">How many blocks are under way at once in each direction: what is read ahead does not stand behind what is written back.</param>
    /// <param name="buffered">Go through the page cache in any case.</param>
    /// <exception cref="IOException">The folder cannot be made, or its disk lacks the space.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public DiskStore(string folder, IEnumerable<(string Name, long Bytes)> ranges, int threads = 4, bool buffered = false)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        long end = 0;
        foreach (var (name, bytes) in ranges)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(bytes, name);
            if (!_ranges.TryAdd(name, new(name, end, bytes))) throw new ArgumentException($"Two ranges are named '{name}'.", nameof(ranges));
            end += Padded(bytes);
        }
        _file = ScratchFile.Create(folder, end, buffered);
        _reads = new DiskQueue(_file, threads, "reads");
        _writes = new DiskQueue(_file, threads, "writes");
    }

    /// <summary>The file itself, for who measures how fast it can be.</summary>
    public ScratchFile File => _file;

    /// <summary>Where the file lies.</summary>
    public string Folder => _file.Folder;

    /// <summary>Space it takes.</summary>
    public long Bytes => _file.Bytes;

    /// <summary>Whether transfers go past the page cache.</summary>
    public bool IsUnbuffered => _file.IsUnbuffered;

    /// <summary>Bytes read so far; those of transfers under way count.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Bytes written so far; those of transfers under way count.</summary>
    public long BytesWritten => Interlocked.Read(ref _bytesWritten);

    /// <summary>The range of a name.</summary>
    public DiskRange this[string name] => _ranges.TryGetValue(name, out var range) ? range : throw new KeyNotFoundException($"The store in {Folder} has no range '{name}'.");

    /// <summary>Begins to read into <paramref name="into"/>, which belongs to the transfer until it is done.</summary>
    /// <param name="range">Read from its beginning, or from <paramref name="offset"/>.</param>
    /// <param name="into">Dense host memory; borrowed. Fastest where it lies on a multiple of <see cref="ScratchFile.Alignment"/>.</param>
    /// <param name="offset">Bytes into the range; a multiple of <see cref="ScratchFile.Alignment"/>.</param>
    /// <param name="memoryOffset">Bytes into the memory.</param>
    /// <param name="bytes">How many; null for the whole memory.</param>
    /// <returns>Done when the bytes are there; fails with an <see cref="IOException"/>.</returns>
    public Task ReadAsync(DiskRange range, Tensor into, long offset = 0, long memoryOffset = 0, long? bytes = null) => Begin(write: false, range, into, offset, memoryOffset, bytes);

    /// <summary>Begins to write from <paramref name="from"/>, which belongs to the transfer until it is done.</summary>
    /// <remarks>A write that is no multiple of <see cref="ScratchFile.Alignment"/> long ends its range's use up to the next multiple.</remarks>
    /// <inheritdoc cref="ReadAsync"/>
    public Task WriteAsync(DiskRange range, Tensor from, long offset = 0, long memoryOffset = 0, long? bytes = null) => Begin(write: true, range, from, offset, memoryOffset, bytes);

    /// <summary>A tensor over a part of a range, read when it is touched; see <see cref="ScratchFile.Map"/>. The caller owns it.</summary>
    public Tensor Map(DiskRange range, long offset, long[] shape, ScalarType type)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _file.Map(range.Offset + offset, shape, type);
    }

    /// <summary>Lets go of the pages that <see cref="Map"/> set up.</summary>
    public void Unmap() => _file.Unmap();

    /// <summary>Waits for what is under way, and frees the space.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _reads.Dispose();
        _writes.Dispose();
        _file.Dispose();
    }

    async Task Begin(bool write, DiskRange range, Tensor memory, long offset, long memoryOffset, long? bytes)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!TensorAccess.TryGetHostMemory(memory, out var host)) throw new ArgumentException($"The memory for '{range.Name}' is not dense host memory: {memory.dtype} on {memory.device}.", nameof(memory));
        var size = host.NumElements * memory.element_size();
        var count = bytes ?? (size - memoryOffset);
        if (offset % ScratchFile.Alignment != 0) throw new ArgumentException($"Offset {offset} in '{range.Name}' is no multiple of {ScratchFile.Alignment}.", nameof(offset));
        if (offset < 0 || count < 0 || offset + count > range.Bytes || memoryOffset + count > size)
            throw new ArgumentException($"{count:N0} bytes at {offset:N0} are not inside '{range.Name}' of {range.Bytes:N0} bytes and memory of {size:N0} from {memoryOffset:N0}.", nameof(bytes));
        Interlocked.Add(ref write ? ref _bytesWritten : ref _bytesRead, count);
        try
        {
            await (write ? _writes : _reads).Enqueue(write, memory, memoryOffset, range.Offset + offset, count).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{(write ? "Writing" : "Reading")} {count:N0} bytes of '{range.Name}' on the tier in {Folder} failed: {error.Message}"), error);
        }
    }

    static long Padded(long bytes) => (bytes + ScratchFile.Alignment - 1) / ScratchFile.Alignment * ScratchFile.Alignment;
}
