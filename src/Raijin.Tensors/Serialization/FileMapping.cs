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

    FileMapping(MemoryMappedFile file, MemoryMappedViewAccessor accessor, long bytes)
    {
        _file = file;
        _accessor = accessor;
        _view = accessor.SafeMemoryMappedViewHandle;
        Bytes = bytes;
    }

    /// <summary>The file's length.</summary>
    public long Bytes { get; }

    /// <summary>Maps the file. Takes over the handle, also when it throws.</summary>
    /// <exception cref="IOException">The file is empty or cannot be mapped.</exception>
    public static FileMapping Open(SafeFileHandle handle, long bytes)
    {
        MemoryMappedFile? file = null;
        try
        {
            file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: false);
            var accessor = file.CreateViewAccessor(0, bytes, MemoryMappedFileAccess.CopyOnWrite);
            return new FileMapping(file, accessor, bytes);
        }
        catch
        {
            file?.Dispose();
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Runs <paramref name="use"/> over a range, at most 2^31 - 1 bytes at a time, with the pages held in place.</summary>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Visit<TState>(long offset, long bytes, TState state, Action<TState, ReadOnlySpan<byte>> use)
    {
        const long most = 1 << 30;
        using var pages = new Pages(_view);
        MemoryAdvice.WillRead(pages.Address + (nint)offset, bytes);
        for (var done = 0L; done < bytes; done += most)
            use(state, new ReadOnlySpan<byte>((byte*)pages.Address + offset + done, (int)Math.Min(most, bytes - done)));
    }

    /// <summary>Copies a range to unmanaged memory.</summary>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void CopyTo(long offset, long bytes, nint destination)
    {
        using var pages = new Pages(_view);
        MemoryAdvice.WillRead(pages.Address + (nint)offset, bytes);
        StreamingCopy.Copy(pages.Address + (nint)offset, destination, bytes);
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

    /// <summary>Holds the pages in place while they are read.</summary>
    readonly ref struct Pages : IDisposable
    {
        readonly SafeMemoryMappedViewHandle _view;

        public Pages(SafeMemoryMappedViewHandle view)
        {
            byte* start = null;
            view.AcquirePointer(ref start);
            _view = view;
            Address = (nint)start;
        }

        public nint Address { get; }

        public void Dispose() => _view.ReleasePointer();
    }
}
