using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// The file has no name once it is open: whatever ends the process, its space is free again, and nobody else can cut it short.
// It is read and written past the page cache where the file system can: the cache would keep a second copy of what was put on disk to save memory, and a write
// through it took six times as long on the machine this was measured on (docs/design/codecs-and-tiers.md).

/// <summary>A file of fixed size for what does not fit in memory. Gone with the process.</summary>
public sealed partial class ScratchFile : IDisposable
{
    /// <summary>Offsets, lengths and addresses are multiples of this, unless <see cref="IsUnbuffered"/> is false.</summary>
    public const int Alignment = 4096;

    const int MostAttempts = 10;
    const int GetFlags = 3;
    const int SetFlags = 4;
    const FileOptions NoBuffering = (FileOptions)0x20000000;

    readonly SafeFileHandle _handle;
    readonly Lock _mapping = new();
    readonly IReadOnlyList<string> _madeFolders;
    FileMapping? _map;

    ScratchFile(SafeFileHandle handle, string folder, IReadOnlyList<string> madeFolders, long bytes, bool unbuffered)
    {
        _handle = handle;
        _madeFolders = madeFolders;
        Folder = folder;
        Bytes = bytes;
        IsUnbuffered = unbuffered;
    }

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    /// <summary>Its size.</summary>
    public long Bytes { get; }

    /// <summary>Whether it is read and written past the page cache.</summary>
    public bool IsUnbuffered { get; }

    /// <summary>Makes a file; all its space is allocated at once.</summary>
    /// <param name="folder">Made when it does not exist, and removed with the file then, unless something else lies in it.</param>
    /// <param name="bytes">Its size; rounded up to <see cref="Alignment"/>.</param>
    /// <param name="buffered">Go through the page cache in any case.</param>
    /// <exception cref="IOException">There is not so much space, or the folder cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public static ScratchFile Create(string folder, long bytes, bool buffered = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        bytes = Math.Max(Alignment, (bytes + Alignment - 1) / Alignment * Alignment);
        folder = Path.TrimEndingDirectorySeparator(folder);
        var path = Path.Combine(folder, "raijin-" + Guid.CreateVersion7().ToString("N", System.Globalization.CultureInfo.InvariantCulture) + ".scratch");
        var options = FileOptions.RandomAccess;
        if (OperatingSystem.IsWindows()) options |= buffered ? FileOptions.DeleteOnClose : FileOptions.DeleteOnClose | NoBuffering;
        var (handle, made) = (default(SafeFileHandle), MakeFolder(folder));
        try
        {
            // Another rank that made the folder may just have removed it.
            for (var attempt = 0; handle is null; attempt++)
            {
                try
                {
                    handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, options, bytes);
                }
                catch (DirectoryNotFoundException) when (attempt < MostAttempts)
                {
                    made = MakeFolder(folder);
                }
            }
        }
        catch (IOException error)
        {
            RemoveFolders(made);
            throw new IOException($"No file of {bytes:N0} bytes could be made in {folder}: {error.Message} Name a folder on a disk that has the space.", error);
        }

        if (!OperatingSystem.IsWindows()) File.Delete(path);
        RandomAccess.SetLength(handle, bytes);
        return new ScratchFile(handle, folder, made, bytes, !buffered && (OperatingSystem.IsWindows() || (OperatingSystem.IsLinux() && GoPastTheCache(handle))));
    }

    /// <summary>Reads a range. Any number of threads may read and write at once.</summary>
    /// <exception cref="IOException">It cannot be read, or the file was cut short.</exception>
    public void Read(long offset, Span<byte> into)
    {
        while (into.Length > 0)
        {
            var read = RandomAccess.Read(_handle, into, offset);
            if (read == 0) throw new IOException($"The scratch file in {Folder} was cut short: it ends before byte {offset + into.Length:N0} of {Bytes:N0}.");
            into = into[read..];
            offset += read;
        }
    }

    /// <summary>Writes a range.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(long offset, ReadOnlySpan<byte> from)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + from.Length, Bytes, nameof(offset));
        RandomAccess.Write(_handle, from, offset);
    }

    /// <summary>
    /// A tensor over a range, read when it is touched, into memory that the system may take back: for what is looked at once, as a checkpoint does. Writing to it changes memory, not the file.
    /// </summary>
    /// <param name="offset">Where it begins; a multiple of the element's size.</param>
    /// <param name="shape">Its shape; at least one element.</param>
    /// <param name="type">Its type.</param>
    /// <returns>The caller owns it. What is written to the range while it lives may or may not be seen in it.</returns>
    /// <exception cref="IOException">The file was cut short.</exception>
    public Tensor Map(long offset, long[] shape, ScalarType type)
    {
        if (RandomAccess.GetLength(_handle) < Bytes) throw new IOException($"The scratch file in {Folder} was cut short: it has {RandomAccess.GetLength(_handle):N0} bytes of {Bytes:N0}.");
        lock (_mapping) _map ??= FileMapping.Open(_handle, Bytes);
        return _map.CreateTensor(offset, shape, type);
    }

    /// <summary>Lets go of the pages that <see cref="Map"/> set up; tensors over them live on.</summary>
    public void Unmap()
    {
        lock (_mapping)
        {
            _map?.Dispose();
            _map = null;
        }
    }

    /// <summary>Frees the space, and removes the folder if it was made for this file and is empty.</summary>
    public void Dispose()
    {
        if (_handle.IsClosed) return;
        Unmap();
        _handle.Dispose();
        RemoveFolders(_madeFolders);
    }

    /// <summary>Host memory that such a file can be read into directly: zeros whose address is a multiple of <see cref="Alignment"/>.</summary>
    /// <returns>[numElements]; the caller owns it.</returns>
    public static Tensor AllocateAligned(long numElements, ScalarType type)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numElements);
        using var none = no_grad();
        using var whole = zeros(numElements + Alignment, type).DetachFromDisposeScope();
        return Align(whole, numElements);
    }

    /// <summary>The part of flat host memory that begins at the first address a file can be read into directly.</summary>
    /// <param name="memory">Of <see cref="Alignment"/> elements more than <paramref name="numElements"/>; shared with the result.</param>
    /// <param name="numElements">How many elements.</param>
    /// <returns>[numElements]; the caller owns it.</returns>
    public static Tensor Align(Tensor memory, long numElements)
    {
        if (!HostTensor.TryOpen(memory, out var view)) throw new ArgumentException($"{memory.dtype} on {memory.device} is no dense host memory.", nameof(memory));
        using var none = no_grad();
        long start = 0;
        using (view)
            while (!view.IsAligned(start * view.ElementBytes, Alignment)) start++;
        return memory.narrow(0, start, numElements).DetachFromDisposeScope();
    }

    // The folders that were not there, the innermost first.
    static List<string> MakeFolder(string folder)
    {
        var made = new List<string>();
        for (var path = Path.GetFullPath(folder); path is not null && !Directory.Exists(path); path = Path.GetDirectoryName(path)) made.Add(path);
        Directory.CreateDirectory(folder);
        return made;
    }

    static void RemoveFolders(IReadOnlyList<string> made)
    {
        foreach (var path in made)
        {
            try
            {
                Directory.Delete(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Somebody else uses it, or has removed it.
                return;
            }
        }
    }

    static bool GoPastTheCache(SafeFileHandle handle)
    {
        // O_DIRECT, as each architecture numbers it.
        var direct = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x10000 : 0x4000;
        var flags = FileControl(handle, GetFlags, 0);
        return flags >= 0 && FileControl(handle, SetFlags, flags | direct) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int FileControl(SafeFileHandle file, int command, int argument);
}
