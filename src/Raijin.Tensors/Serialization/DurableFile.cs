using System.Buffers;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Raijin.Tensors;

// Order, so that a crash at any point leaves the old file or the new one, whole:
//   write a temporary file in the same folder → fsync it → rename it over the name → fsync the folder.
// Speed: blocks go to the disk while the next are copied into the page cache, so that the fsync at the end waits for one block and not for the file.

/// <summary>A file being written. It is there, under its name and on the disk, when <see cref="Commit"/> has returned; before that the name is untouched.</summary>
public sealed partial class DurableFile : IDisposable
{
    /// <summary>What names a file or folder under way carries between its final name and a random suffix.</summary>
    public const string TemporaryMark = ".tmp-";

    const int BufferBytes = 1 << 20;
    const int BlockBytes = 4 << 20;
    const uint StartWriteback = 2;

    readonly XxHash3 _hash = new();
    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    readonly SafeFileHandle _handle;
    readonly string _path;
    readonly string _written;
    int _buffered;
    bool _closed;

    DurableFile(string path, string written, long expectedBytes)
    {
        _path = path;
        _written = written;
        try
        {
            // Allocating first keeps the file in one piece and finds a full disk before anything is written.
            _handle = File.OpenHandle(written, FileMode.CreateNew, FileAccess.Write, FileShare.Read, FileOptions.None, expectedBytes);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            throw;
        }
    }

    /// <summary>Bytes written so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>XxHash3 of the bytes of a committed file.</summary>
    public ulong Hash { get; private set; }

    /// <summary>A file that appears at <paramref name="path"/>, in place of what is there, when it is committed.</summary>
    /// <param name="path">Its final path; its folder exists.</param>
    /// <param name="expectedBytes">Its size as far as it is known, allocated at once; 0 when it is not.</param>
    /// <exception cref="IOException">The disk is full or the folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder or the file is read-only.</exception>
    public static DurableFile Replace(string path, long expectedBytes = 0) => new(path, TemporaryName(path), expectedBytes);

    /// <summary>A new file inside a folder that is itself temporary and will be published by <see cref="DurableFolder.Publish(string, string)"/>: no rename, no fsync of the folder.</summary>
    /// <inheritdoc cref="Replace"/>
    public static DurableFile CreateIn(string folder, string name, long expectedBytes = 0)
    {
        var path = Path.Combine(folder, name);
        return new DurableFile(path, path, expectedBytes);
    }

    /// <summary>Writes a small file whole.</summary>
    /// <inheritdoc cref="Replace"/>
    public static void WriteAll(string path, ReadOnlySpan<byte> content)
    {
        using var file = Replace(path, content.Length);
        file.Write(content);
        file.Commit();
    }

    /// <summary>XxHash3 of the bytes of a file, as <see cref="Hash"/> was when it was written.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ulong HashOf(string path)
    {
        using var handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var hash = new XxHash3();
        FileRange.Visit(handle, 0, RandomAccess.GetLength(handle), path, hash, static (sum, block) => sum.Append(block));
        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>A name beside <paramref name="path"/> that nobody else uses: its last part, <see cref="TemporaryMark"/> and a random number.</summary>
    public static string TemporaryName(string path) =>
        Path.TrimEndingDirectorySeparator(path) + TemporaryMark + Guid.CreateVersion7().ToString("N", CultureInfo.InvariantCulture);

    /// <summary>Appends bytes.</summary>
    /// <exception cref="IOException">The disk is full, or fails, or the file would be larger than it may be.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (bytes.Length <= BufferBytes - _buffered)
        {
            bytes.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += bytes.Length;
            return;
        }

        Flush();
        while (bytes.Length > BufferBytes)
        {
            var block = bytes[..Math.Min(bytes.Length, BlockBytes)];
            WriteBlock(block);
            bytes = bytes[block.Length..];
        }

        bytes.CopyTo(_buffer);
        _buffered = bytes.Length;
    }

    /// <summary>Makes the file durable and gives it its name.</summary>
    /// <exception cref="IOException">The disk is full, or fails; the name is untouched.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        Flush();
        // The allocation was a guess.
        if (RandomAccess.GetLength(_handle) != Bytes) RandomAccess.SetLength(_handle, Bytes);
        RandomAccess.FlushToDisk(_handle);
        Hash = _hash.GetCurrentHashAsUInt64();
        Close();
        if (_written == _path) return;
        File.Move(_written, _path, overwrite: true);
        DurableFolder.Sync(Path.GetDirectoryName(Path.GetFullPath(_path))!);
    }

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose()
    {
        if (_closed) return;
        Close();
        File.Delete(_written);
    }

    void Flush()
    {
        if (_buffered > 0) WriteBlock(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    void WriteBlock(ReadOnlySpan<byte> block)
    {
        try
        {
            RandomAccess.Write(_handle, block, Bytes);
        }
        catch (ArgumentOutOfRangeException error)
        {
            // .NET's name for EFBIG; the file system's limit (4 GB on FAT) or the process's is no fault of the argument.
            throw new IOException($"The file {_written} may not grow beyond {Bytes} bytes: the file system or a limit of this process refuses.", error);
        }

        // The final fsync then finds little left to do. A refusal costs time, not safety.
        if (OperatingSystem.IsLinux()) _ = SyncFileRange(_handle, Bytes, block.Length, StartWriteback);
        _hash.Append(block);
        Bytes += block.Length;
    }

    void Close()
    {
        _closed = true;
        _handle.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long bytes, uint flags);
}
