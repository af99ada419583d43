using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Reads numbers of the host's memory, of whatever dtype, into buffers of one type.</summary>
static class HostNumbers
{
    /// <summary>Elements from <paramref name="start"/> on as doubles.</summary>
    public static void Read(HostTensor tensor, long start, Span<double> numbers)
    {
        switch (tensor.DType)
        {
            case ScalarType.Float64: tensor.Slice<double>(start, numbers.Length).CopyTo(numbers); break;
            case ScalarType.Float32: Convert<float>(tensor.Slice<float>(start, numbers.Length), numbers); break;
            case ScalarType.Float16: Convert<Half>(tensor.Slice<Half>(start, numbers.Length), numbers); break;
            case ScalarType.BFloat16:
                var bits = tensor.Slice<ushort>(start, numbers.Length);
                for (var i = 0; i < bits.Length; i++) numbers[i] = Widen(bits[i]);
                break;
            case ScalarType.Int64: Convert<long>(tensor.Slice<long>(start, numbers.Length), numbers); break;
            case ScalarType.Int32: Convert<int>(tensor.Slice<int>(start, numbers.Length), numbers); break;
            case ScalarType.Int16: Convert<short>(tensor.Slice<short>(start, numbers.Length), numbers); break;
            case ScalarType.Int8: Convert<sbyte>(tensor.Slice<sbyte>(start, numbers.Length), numbers); break;
            case ScalarType.Byte: Convert<byte>(tensor.Slice<byte>(start, numbers.Length), numbers); break;
            case ScalarType.Bool: Convert<byte>(MemoryMarshal.AsBytes(tensor.Slice<bool>(start, numbers.Length)), numbers); break;
            default: throw new UnreachableException($"{tensor.DType} is no dtype of labels, scores or weights.");
        }
    }

    /// <summary>One element.</summary>
    public static double Read(HostTensor tensor, long at)
    {
        double number = 0;
        Read(tensor, at, new Span<double>(ref number));
        return number;
    }

    /// <summary>Elements of a half-precision tensor as floats, which is exact.</summary>
    public static void Read(HostTensor tensor, long start, Span<float> numbers)
    {
        if (tensor.DType == ScalarType.Float16)
        {
            var halves = tensor.Slice<Half>(start, numbers.Length);
            for (var i = 0; i < halves.Length; i++) numbers[i] = (float)halves[i];
            return;
        }
        var bits = tensor.Slice<ushort>(start, numbers.Length);
        for (var i = 0; i < bits.Length; i++) numbers[i] = Widen(bits[i]);
    }

    /// <summary>Elements of an integer or bool tensor as classes; <see cref="TaskInput.LeftOut"/> for what is none.</summary>
    /// <returns>Whether all are in [0, <paramref name="limit"/>).</returns>
    public static bool ReadClasses(HostTensor tensor, long start, int limit, Span<int> classes) => tensor.DType switch
    {
        ScalarType.Int64 => Classes<long>(tensor.Slice<long>(start, classes.Length), limit, classes),
        ScalarType.Int32 => Classes<int>(tensor.Slice<int>(start, classes.Length), limit, classes),
        ScalarType.Int16 => Classes<short>(tensor.Slice<short>(start, classes.Length), limit, classes),
        ScalarType.Int8 => Classes<sbyte>(tensor.Slice<sbyte>(start, classes.Length), limit, classes),
        ScalarType.Byte => Classes<byte>(tensor.Slice<byte>(start, classes.Length), limit, classes),
        ScalarType.Bool => Classes<byte>(MemoryMarshal.AsBytes(tensor.Slice<bool>(start, classes.Length)), limit, classes),
        _ => throw new UnreachableException($"{tensor.DType} is no dtype of labels."),
    };

    /// <summary>A number as a tensor of a half precision would hold it.</summary>
    public static float Round(double number, ScalarType dtype)
    {
        // By way of float, as libtorch does.
        if (dtype == ScalarType.Float16) return (float)(Half)(float)number;
        var bits = BitConverter.SingleToUInt32Bits((float)number);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    static bool Classes<T>(ReadOnlySpan<T> values, int limit, Span<int> classes)
        where T : unmanaged, IBinaryInteger<T>
    {
        var all = true;
        for (var i = 0; i < values.Length; i++)
        {
            var value = long.CreateTruncating(values[i]);
            var inside = (ulong)value < (ulong)limit;
            classes[i] = inside ? (int)value : TaskInput.LeftOut;
            all &= inside;
        }
        return all;
    }

    static void Convert<T>(ReadOnlySpan<T> values, Span<double> numbers)
        where T : unmanaged, INumberBase<T>
    {
        for (var i = 0; i < values.Length; i++) numbers[i] = double.CreateTruncating(values[i]);
    }

    // A bfloat16 is the upper half of a float.
    static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
