using System.Numerics;
using System.Runtime.InteropServices;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A stretch of a host tensor's elements as numbers of the type a state keeps.</summary>
static class DocumentNumbers
{
    /// <summary>Fills <paramref name="into"/> from element <paramref name="start"/> on.</summary>
    public static void Read<T>(HostTensor tensor, long start, Span<T> into)
        where T : struct, INumberBase<T>
    {
        switch (tensor.DType)
        {
            case ScalarType.Float32:
                Convert(tensor.Slice<float>(start, into.Length), into);
                break;
            case ScalarType.Float64:
                Convert(tensor.Slice<double>(start, into.Length), into);
                break;
            case ScalarType.Int64:
                Convert(tensor.Slice<long>(start, into.Length), into);
                break;
            case ScalarType.Int32:
                Convert(tensor.Slice<int>(start, into.Length), into);
                break;
            case ScalarType.Bool:
                Convert(MemoryMarshal.AsBytes(tensor.Slice<bool>(start, into.Length)), into);
                break;
            default:
                throw new NotSupportedException($"No kernel reads {tensor.DType}.");
        }
    }

    static void Convert<TFrom, T>(ReadOnlySpan<TFrom> from, Span<T> into)
        where TFrom : struct, INumberBase<TFrom>
        where T : struct, INumberBase<T>
    {
        for (var i = 0; i < into.Length; i++) into[i] = T.CreateTruncating(from[i]);
    }
}
