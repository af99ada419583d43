using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// Invariant: the pages stay mapped until the owner has disposed the mapping AND libtorch has freed the last storage over them, in whatever order. The view's SafeHandle
// counts both: each tensor holds one reference, given back by the deleter that libtorch calls with the storage's address.
// The pages are mapped copy-on-write: writing in place to a mapped tensor changes private memory, never the file, and does not fault.

/// <summary>A whole file in memory, and the tensors over it.</summary>
sealed unsafe class FileMapping : IDisposable
{
    static readonly delegate* unmanaged[Cdecl]<nint, nint, long*, int, sbyte, sbyte, int, int, byte, nint> NewTensorOver =
        (delegate* unmanaged[Cdecl]<nint, nint, long*, int, sbyte, sbyte, int, int, byte, nint>)NativeExports.OfTorchSharp("THSTensor_new");

    /// <summary>Who keeps which address mapped. An address belongs to one mapping for as long as it is in here.</summary>
    static readonly Dictionary<nint, (SafeMemoryMappedViewHandle View, int Count)> Leases = [];

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
    public Tensor CreateTensor(long offset, long[] shape, ScalarType type)
    {
        if (NewTensorOver == null) throw new EntryPointNotFoundException("TorchSharp's native library does not export THSTensor_new: version 0.107 was expected.");
        var address = Lease(offset);
        nint handle;
        fixed (long* sizes = shape)
            handle = NewTensorOver(address, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Release, sizes, shape.Length, (sbyte)type, (sbyte)type, (int)TorchSharp.DeviceType.CPU, -1, 0);
        if (handle == 0) throw new InvalidOperationException($"libtorch refused a tensor [{string.Join(", ", shape)}] {type} over mapped memory.");
        return Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>Lets go of the file. Tensors over it live on.</summary>
    public void Dispose()
    {
        _accessor.Dispose();
        _file.Dispose();
    }

    nint Lease(long offset)
    {
        byte* start = null;
        _view.AcquirePointer(ref start);
        var address = (nint)(start + offset);
        lock (Leases)
        {
            ref var lease = ref CollectionsMarshal.GetValueRefOrAddDefault(Leases, address, out _);
            lease = (_view, lease.Count + 1);
        }

        return address;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Release(nint address)
    {
        SafeMemoryMappedViewHandle view;
        lock (Leases)
        {
            ref var lease = ref CollectionsMarshal.GetValueRefOrNullRef(Leases, address);
            view = lease.View;
            if (--lease.Count == 0) Leases.Remove(address);
        }

        view.ReleasePointer();
    }
}
