using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// Invariant: the pages stay mapped until the owner has disposed the mapping AND libtorch has freed the last storage over them, in whatever order. The view's SafeHandle
// counts both: each tensor holds one reference, given back by the deleter that libtorch calls with the storage's address.

/// <summary>Tensors over mapped pages, without a copy.</summary>
static unsafe class MappedStorage
{
    static readonly delegate* unmanaged[Cdecl]<nint, nint, long*, int, sbyte, sbyte, int, int, byte, nint> NewTensorOver =
        (delegate* unmanaged[Cdecl]<nint, nint, long*, int, sbyte, sbyte, int, int, byte, nint>)NativeExports.OfTorchSharp("THSTensor_new");

    /// <summary>Who keeps which address mapped. An address belongs to one mapping for as long as it is in here.</summary>
    static readonly Dictionary<nint, (SafeMemoryMappedViewHandle View, int Count, Action? Freed)> Leases = [];

    /// <summary>A tensor over a range of a view. It keeps the pages mapped on its own.</summary>
    /// <param name="view">The mapped pages.</param>
    /// <param name="offset">Where the tensor begins in them; aligned to the element size.</param>
    /// <param name="shape">At least one element.</param>
    /// <param name="type">Element type.</param>
    /// <param name="freed">Called once libtorch has freed the storage, on the thread that freed it; it must not throw. The pages may be unmapped right after it.</param>
    /// <returns>A host tensor; the caller owns it.</returns>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public static Tensor CreateTensor(SafeMemoryMappedViewHandle view, long offset, long[] shape, ScalarType type, Action? freed = null)
    {
        if (NewTensorOver == null) throw new EntryPointNotFoundException("TorchSharp's native library does not export THSTensor_new: version 0.107 was expected.");
        var address = Lease(view, offset, freed);
        nint handle;
        fixed (long* sizes = shape)
            handle = NewTensorOver(address, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Release, sizes, shape.Length, (sbyte)type, (sbyte)type, (int)TorchSharp.DeviceType.CPU, -1, 0);
        if (handle == 0) throw new InvalidOperationException($"libtorch refused a tensor [{string.Join(", ", shape)}] {type} over mapped memory.");
        return Tensor.UnsafeCreateTensor(handle);
    }

    static nint Lease(SafeMemoryMappedViewHandle view, long offset, Action? freed)
    {
        byte* start = null;
        view.AcquirePointer(ref start);
        var address = (nint)(start + offset);
        lock (Leases)
        {
            ref var lease = ref CollectionsMarshal.GetValueRefOrAddDefault(Leases, address, out _);
            lease = (view, lease.Count + 1, freed);
        }

        return address;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Release(nint address)
    {
        SafeMemoryMappedViewHandle view;
        Action? freed;
        lock (Leases)
        {
            ref var lease = ref CollectionsMarshal.GetValueRefOrNullRef(Leases, address);
            (view, freed) = (lease.View, lease.Freed);
            if (--lease.Count == 0) Leases.Remove(address);
        }

        freed?.Invoke();
        view.ReleasePointer();
    }
}
