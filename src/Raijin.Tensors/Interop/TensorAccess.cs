using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>The memory of a dense tensor on the host: where it begins, how many elements, of which type.</summary>
/// <param name="Data">Address of element 0.</param>
/// <param name="NumElements">Elements, laid out row-major without gaps.</param>
/// <param name="DType">Their type.</param>
public readonly record struct HostMemory(nint Data, long NumElements, ScalarType DType);

/// <summary>What <see cref="TensorAccess"/> found behind a handle.</summary>
public enum HostMemoryKind : byte
{
    /// <summary>There is no tensor (an undefined one: a gradient that was never made).</summary>
    None,

    /// <summary>Row-major host memory without gaps: kernels may walk it.</summary>
    Dense,

    /// <summary>A tensor, but of another layout (strided with gaps, transposed, sparse): only libtorch's ops may touch it.</summary>
    Strided,

    /// <summary>A tensor whose memory is not the host's.</summary>
    OtherDevice,
}

/// <summary>
/// Reads a tensor's address, size and type through libtorch's C ABI, without a wrapper, an op or an allocation (about 10 ns).
/// A handle is <c>Tensor.Handle</c>: the caller keeps its owner alive for as long as it uses what it got.
/// </summary>
public static unsafe class TensorAccess
{
    // None of these can block, allocate or call back: with the layout known to be strided, each is a handful of loads.
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, int> IsDefined =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, int>)StableAbi.Export("aoti_torch_is_defined");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, int*, int> Layout =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, int*, int>)StableAbi.Export("aoti_torch_get_layout");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, int*, int> Device =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, int*, int>)StableAbi.Export("aoti_torch_get_device_type");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, int> IsContiguous =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, int>)StableAbi.Export("aoti_torch_is_contiguous");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, int*, int> DType =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, int*, int>)StableAbi.Export("aoti_torch_get_dtype");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long*, int> NumElements =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long*, int>)StableAbi.Export("aoti_torch_get_numel");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint*, int> Data =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint*, int>)StableAbi.Export("aoti_torch_get_data_ptr");

    /// <summary>Looks at the tensor behind <paramref name="handle"/> (an <c>at::Tensor*</c>, borrowed).</summary>
    /// <param name="handle"><c>Tensor.Handle</c> of a live tensor.</param>
    /// <param name="memory">Set when the result is <see cref="HostMemoryKind.Dense"/>.</param>
    public static HostMemoryKind Inspect(nint handle, out HostMemory memory)
    {
        memory = default;
        byte yes;
        int value;
        if (IsDefined(handle, &yes) != 0 || yes == 0) return HostMemoryKind.None;
        // The layout comes first: on a sparse tensor the calls below would throw inside libtorch.
        if (Layout(handle, &value) != 0 || value != 0) return HostMemoryKind.Strided;
        if (Device(handle, &value) != 0 || value != 0) return HostMemoryKind.OtherDevice;
        if (IsContiguous(handle, &yes) != 0 || yes == 0) return HostMemoryKind.Strided;

        int dtype;
        long count;
        nint data;
        if ((DType(handle, &dtype) | NumElements(handle, &count) | Data(handle, &data)) != 0) return HostMemoryKind.Strided;
        memory = new HostMemory(data, count, (ScalarType)dtype);
        return HostMemoryKind.Dense;
    }

    /// <summary>Whether <paramref name="tensor"/> is dense host memory, and where.</summary>
    /// <param name="tensor">Borrowed; keep it alive while the address is in use.</param>
    /// <param name="memory">Its memory, when true.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static bool TryGetHostMemory(Tensor tensor, out HostMemory memory)
    {
        TensorGuard.ThrowIfFreed(tensor);
        var kind = Inspect(tensor.Handle, out memory);
        GC.KeepAlive(tensor);
        return kind == HostMemoryKind.Dense;
    }

    /// <summary>Where a tensor's first element lies, in the memory of its own device.</summary>
    /// <param name="tensor">Dense or strided; keep it alive while the address is in use.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    internal static nint Address(Tensor tensor)
    {
        TensorGuard.ThrowIfFreed(tensor);
        nint data;
        if (Data(tensor.Handle, &data) != 0) throw new InvalidOperationException($"A tensor on {tensor.device} has no address.");
        GC.KeepAlive(tensor);
        return data;
    }
}
