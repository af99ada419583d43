namespace Raijin.Tensors;

/// <summary>The streams on which libtorch runs a GPU's kernels.</summary>
static unsafe class CudaStream
{
    static readonly delegate* unmanaged<int, nint*, int> GetCurrent = (delegate* unmanaged<int, nint*, int>)NativeExports.OfTorchCuda("aoti_torch_get_current_cuda_stream");

    /// <summary>The stream on which the calling thread's operators run on a GPU, as CUDA's handle (0 is the default stream).</summary>
    /// <param name="device">The GPU's number.</param>
    /// <exception cref="PlatformNotSupportedException">This libtorch has no CUDA.</exception>
    public static nint Current(int device)
    {
        if (GetCurrent == null) throw new PlatformNotSupportedException("This libtorch has no CUDA: build with -p:LibTorch=cuda, or set RAIJIN_LIBTORCH.");
        nint stream;
        if (GetCurrent(device, &stream) != 0) throw new InvalidOperationException($"libtorch gave no stream of cuda:{device}.");
        return stream;
    }
}
