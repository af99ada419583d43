using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// The pages are mapped copy-on-write: writing in place to a mapped tensor changes private memory, never the file, and does not fault.

/// <summary>A whole file in memory, and the tensors over it.</summary>
sealed class FileMapping : IDisposable
{
    readonly MemoryMappedFile _file;
    readonly MemoryMappedViewAccessor _accessor;
    readonly SafeMemoryMappedViewHandle _view;

    FileMapping(MemoryMappedFile file, MemoryMappedViewAccessor accessor)
    {
        _file = file;
        _accessor = accessor;
        _view = accessor.SafeMemoryMappedViewHandle;
    }

    /// <summary>Maps the file. The handle stays the caller's, and must live as long as this.</summary>
    /// <exception cref="IOException">The file is empty or cannot be mapped.</exception>
    public static FileMapping Open(SafeFileHandle handle, long bytes)
    {
        var file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
        try
        {
            return new FileMapping(file, file.CreateViewAccessor(0, bytes, MemoryMappedFileAccess.CopyOnWrite));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A tensor over a range, without a copy. It keeps the pages mapped on its own.</summary>
    /// <param name="offset">Where it begins; aligned to the element size.</param>
    /// <param name="shape">At least one element.</param>
    /// <param name="type">Element type.</param>
    /// <returns>A host tensor; the caller owns it.</returns>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public Tensor CreateTensor(long offset, long[] shape, ScalarType type) =>
        MappedStorage.CreateTensor(_view, offset, shape, type);

    /// <summary>Lets go of the file. Tensors over it live on.</summary>
    public void Dispose()
    {
        _accessor.Dispose();
        _file.Dispose();
    }
}
