using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>The default generators of the GPUs, which TorchSharp does not show: libtorch_cuda hands out the generator, LibTorchSharp its state.</summary>
static unsafe class CudaGenerators
{
    // Generator const& at::cuda::detail::getDefaultCUDAGenerator(int8_t): the reference is what LibTorchSharp takes as a generator's handle.
    static readonly delegate* unmanaged[Cdecl]<sbyte, nint> Default =
        (delegate* unmanaged[Cdecl]<sbyte, nint>)NativeExports.OfTorchCuda("_ZN2at4cuda6detail23getDefaultCUDAGeneratorEa");

    static readonly delegate* unmanaged[Cdecl]<nint, nint> GetState =
        (delegate* unmanaged[Cdecl]<nint, nint>)NativeExports.OfTorchSharp("THSGenerator_get_rng_state");

    static readonly delegate* unmanaged[Cdecl]<nint, nint, void> SetState =
        (delegate* unmanaged[Cdecl]<nint, nint, void>)NativeExports.OfTorchSharp("THSGenerator_set_rng_state");

    /// <summary>How many GPUs' generators can be reached: all, or none without CUDA or its entry points.</summary>
    public static int Count => Default == null || GetState == null || SetState == null || !cuda.is_available() ? 0 : cuda.device_count();

    public static byte[][] Capture()
    {
        var states = new byte[Count][];
        for (var i = 0; i < states.Length; i++) states[i] = RandomState.ToBytes(Tensor.UnsafeCreateTensor(GetState(Default((sbyte)i))));
        return states;
    }

    public static void Restore(IReadOnlyList<byte[]> states)
    {
        for (var i = 0; i < states.Count; i++)
        {
            var state = tensor(states[i]);
            SetState(Default((sbyte)i), state.Handle);
            GC.KeepAlive(state);
        }
    }
}
