using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Raijin.Tensors;

namespace Raijin.Collectives;

// On Linux memory that ranks share after they have met has no name at all: the file lives as long as somebody has it mapped, so that no death can leave one behind, and it is not bound by the
// size of /dev/shm, which containers keep at 64 MB.

/// <summary>Zeroed memory that several processes map.</summary>
sealed unsafe partial class SharedMapping : IDisposable
{
    const int CloseOnExec = 1;

    readonly MemoryMappedFile _file;
    readonly MemoryMappedViewAccessor _view;

    SharedMapping(SafeFileHandle handle, long bytes, string? name)
    {
        Name = name;
        Bytes = bytes;
        Descriptor = name is null ? (int)handle.DangerousGetHandle() : -1;
        _file = MemoryMappedFile.CreateFromFile(handle, null, bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        _view = _file.CreateViewAccessor(0, bytes, MemoryMappedFileAccess.ReadWrite);
        byte* start = null;
        // Held for as long as this object can be reached: the pages go when nobody has it, nor a tensor over them.
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        Start = start;
        HugePages.Advise((nint)start, bytes);
    }

    /// <summary>Where it begins in this process.</summary>
    public byte* Start { get; }

    public long Bytes { get; }

    /// <summary>Its file; null when it has no name.</summary>
    public string? Name { get; }

    /// <summary>This process's descriptor of a file without a name.</summary>
    public int Descriptor { get; }

    public SafeMemoryMappedViewHandle View => _view.SafeMemoryMappedViewHandle;

    /// <summary>Makes a file that only this user opens.</summary>
    /// <exception cref="IOException">It exists, or there is no room for it.</exception>
    public static SharedMapping Create(string path, long bytes)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, PreallocationSize = bytes };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(path, options);
        try
        {
            stream.SetLength(bytes);
            return new SharedMapping(Duplicate(path), bytes, path);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Makes memory without a name.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static SharedMapping CreateUnnamed(long bytes)
    {
        var descriptor = MemoryFile("raijin", CloseOnExec);
        if (descriptor < 0) throw new IOException($"memfd_create failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.SetLength(handle, bytes);
        return new SharedMapping(handle, bytes, null);
    }

    /// <summary>Maps a file with a name.</summary>
    public static SharedMapping Open(string path, long bytes) => new(Duplicate(path), bytes, path);

    /// <summary>Maps memory without a name that another process made.</summary>
    /// <exception cref="IOException">The system does not let processes open each other's descriptors.</exception>
    public static SharedMapping OpenUnnamed(int processId, int descriptor, long bytes)
    {
        var path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/{processId}/fd/{descriptor}");
        try
        {
            return new SharedMapping(Duplicate(path), bytes, null);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException($"{path} may not be opened: ranks must run as one user, in one container. Set {nameof(SharedMemoryOptions.NamedFiles)} where the system forbids it.", error);
        }
    }

    /// <summary>Closes the file; the memory stays mapped.</summary>
    public void CloseFile() => _file.Dispose();

    /// <summary>Unmaps it, once no tensor lies over it.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    static SafeFileHandle Duplicate(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemoryFile(string name, uint flags);
}
