using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>Reads the value of a one-element tensor from its memory: no op, no synchronisation, no allocation.</summary>
public static unsafe class ScalarReader
{
    /// <summary>The value of <paramref name="tensor"/> as a double, when it lies on the host.</summary>
    /// <param name="tensor">One element (any number of dims), any real or boolean dtype; borrowed.</param>
    /// <param name="value">The value; NaN and infinities pass through. 64-bit integers above 2^53 are rounded.</param>
    /// <returns>False for a tensor of another device, of more or less than one element, or of a complex or quantised dtype.</returns>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static bool TryRead(Tensor tensor, out double value)
    {
        var read = TensorAccess.TryGetHostMemory(tensor, out var memory) && TryRead(memory, out value) ? value : (double?)null;
        GC.KeepAlive(tensor);
        value = read.GetValueOrDefault();
        return read.HasValue;
    }

    static bool TryRead(HostMemory memory, out double value)
    {
        value = 0;
        if (memory.NumElements != 1) return false;
        var at = (void*)memory.Data;
        switch (memory.DType)
        {
            case ScalarType.Float32: value = *(float*)at; return true;
            case ScalarType.Float64: value = *(double*)at; return true;
            // A bfloat16 is the upper half of a float.
            case ScalarType.BFloat16: value = BitConverter.UInt32BitsToSingle((uint)*(ushort*)at << 16); return true;
            case ScalarType.Float16: value = (double)*(Half*)at; return true;
            case ScalarType.Int64: value = *(long*)at; return true;
            case ScalarType.Int32: value = *(int*)at; return true;
            case ScalarType.Int16: value = *(short*)at; return true;
            case ScalarType.Int8: value = *(sbyte*)at; return true;
            case ScalarType.Byte: value = *(byte*)at; return true;
            case ScalarType.Bool: value = *(byte*)at != 0 ? 1 : 0; return true;
            default: return false;
        }
    }
}
