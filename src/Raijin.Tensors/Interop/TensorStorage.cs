using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The memory under a host tensor, which all its views share: it can be given back and taken anew, and every view, those that autograd saved too, empties and refills with it.
/// </summary>
public static unsafe class TensorStorage
{
    // at::native::resize_bytes_cpu(c10::StorageImpl*, size_t). A TensorImpl begins with its vtable and its reference counts; the StorageImpl follows.
    static readonly delegate* unmanaged[Cdecl]<nint, nuint, void> ResizeBytes =
        (delegate* unmanaged[Cdecl]<nint, nuint, void>)NativeExports.OfTorch("_ZN2at6native16resize_bytes_cpuEPN3c1011StorageImplEm");

    const int StorageOffset = 16;

    /// <summary>Whether memory can be given back under a tensor: libtorch on Linux.</summary>
    public static bool CanResize => ResizeBytes != null;

    /// <summary>Sets how many bytes lie under the tensor. What fits is kept; new bytes are undefined. The tensor's shape stays: with fewer bytes than it needs, nobody may touch its values.</summary>
    /// <exception cref="PlatformNotSupportedException"><see cref="CanResize"/> is false.</exception>
    public static void Resize(Tensor tensor, long bytes)
    {
        TensorGuard.ThrowIfFreed(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (!CanResize) throw new PlatformNotSupportedException("This libtorch does not export at::native::resize_bytes_cpu: memory can't be given back under a tensor. Dividing parameters (stage 3) needs libtorch on Linux.");
        ResizeBytes(*(nint*)(*(nint*)tensor.Handle + StorageOffset), (nuint)bytes);
        GC.KeepAlive(tensor);
    }
}
