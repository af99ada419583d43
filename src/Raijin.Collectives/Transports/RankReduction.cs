using System.Numerics;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// What several ranks gave, made one, in the order of the ranks: so whoever computes it gets the same bits. The 16-bit types accumulate in float32 and round once.
/// Blocks that fit the first cache are widened, accumulated and narrowed: each source is read once, the destination written once.
/// </summary>
static unsafe class RankReduction
{
    const int Block = 1024;

    /// <summary>destination[i] = op over r of sources[r][i], for i below <paramref name="count"/>. The destination may be one of the sources.</summary>
    /// <param name="op">The reduction.</param>
    /// <param name="dtype">The type of all.</param>
    /// <param name="sources">Addresses, by rank.</param>
    /// <param name="destination">Its address.</param>
    /// <param name="count">How many elements.</param>
    public static void Reduce(ReduceOp op, ScalarType dtype, ReadOnlySpan<nint> sources, nint destination, long count)
    {
        if (dtype is ScalarType.BFloat16 or ScalarType.Float16)
        {
            ReduceFloats(op, dtype, sources, destination, count);
            return;
        }
        switch (dtype)
        {
            case ScalarType.Float32: ReduceSame<float>(op, sources, destination, count); break;
            case ScalarType.Float64: ReduceSame<double>(op, sources, destination, count); break;
            case ScalarType.Int64: ReduceSame<long>(op, sources, destination, count); break;
            case ScalarType.Int32: ReduceSame<int>(op, sources, destination, count); break;
            case ScalarType.Int16: ReduceSame<short>(op, sources, destination, count); break;
            case ScalarType.Int8: ReduceSame<sbyte>(op, sources, destination, count); break;
            case ScalarType.Byte: ReduceSame<byte>(op, sources, destination, count); break;
            // A sum of truths is true when any is, a product when all are.
            default: ReduceSame<byte>(op == ReduceOp.Sum ? ReduceOp.Max : op == ReduceOp.Product ? ReduceOp.Min : op, sources, destination, count); break;
        }
    }

    /// <summary>Copies <paramref name="count"/> elements and rounds them to another floating type.</summary>
    public static void Convert(ScalarType from, nint source, ScalarType to, nint destination, long count)
    {
        var wide = stackalloc float[Block];
        var raw = stackalloc byte[Block * sizeof(double)];
        var (read, written) = (MpiAbi.ElementBytes(from), MpiAbi.ElementBytes(to));
        for (long start = 0; start < count; start += Block)
        {
            var n = (int)Math.Min(Block, count - start);
            Widen(from, source + (nint)(start * read), wide, n, raw);
            Narrow(to, wide, destination + (nint)(start * written), n, raw);
        }
    }

    /// <summary>Whether values may cross as <paramref name="wire"/>.</summary>
    public static bool IsWire(ScalarType wire) => wire is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16;

    static void ReduceFloats(ReduceOp op, ScalarType dtype, ReadOnlySpan<nint> sources, nint destination, long count)
    {
        var sum = stackalloc float[Block];
        var other = stackalloc float[Block];
        var raw = stackalloc byte[Block * sizeof(double)];
        for (long start = 0; start < count; start += Block)
        {
            var n = (int)Math.Min(Block, count - start);
            var offset = (nint)(start * sizeof(ushort));
            Widen(dtype, sources[0] + offset, sum, n, raw);
            for (var r = 1; r < sources.Length; r++)
            {
                Widen(dtype, sources[r] + offset, other, n, raw);
                Accumulate(op, sum, other, n);
            }
            if (op == ReduceOp.Mean) Scale(sum, (float)(1.0 / sources.Length), n);
            Narrow(dtype, sum, destination + offset, n, raw);
        }
    }

    static void ReduceSame<T>(ReduceOp op, ReadOnlySpan<nint> sources, nint destination, long count)
        where T : unmanaged, INumber<T>
    {
        var sum = stackalloc T[Block];
        var other = stackalloc T[Block];
        for (long start = 0; start < count; start += Block)
        {
            var n = (int)Math.Min(Block, count - start);
            var (offset, bytes) = ((nint)(start * sizeof(T)), (uint)(n * sizeof(T)));
            Unsafe.CopyBlockUnaligned(sum, (void*)(sources[0] + offset), bytes);
            for (var r = 1; r < sources.Length; r++)
            {
                Unsafe.CopyBlockUnaligned(other, (void*)(sources[r] + offset), bytes);
                Accumulate(op, sum, other, n);
            }
            if (op == ReduceOp.Mean) Scale(sum, T.CreateTruncating(1.0 / sources.Length), n);
            Unsafe.CopyBlockUnaligned((void*)(destination + offset), sum, bytes);
        }
    }

    // The loops below work on whole blocks of the stack: what lies beyond n is never looked at.
    static void Accumulate<T>(ReduceOp op, T* sum, T* other, int n)
        where T : unmanaged, INumber<T>
    {
        switch (op)
        {
            case ReduceOp.Min:
                for (var i = 0; i < n; i += Vector<T>.Count) Vector.Min(Vector.Load(sum + i), Vector.Load(other + i)).Store(sum + i);
                break;
            case ReduceOp.Max:
                for (var i = 0; i < n; i += Vector<T>.Count) Vector.Max(Vector.Load(sum + i), Vector.Load(other + i)).Store(sum + i);
                break;
            case ReduceOp.Product:
                for (var i = 0; i < n; i += Vector<T>.Count) (Vector.Load(sum + i) * Vector.Load(other + i)).Store(sum + i);
                break;
            default:
                for (var i = 0; i < n; i += Vector<T>.Count) (Vector.Load(sum + i) + Vector.Load(other + i)).Store(sum + i);
                break;
        }
    }

    static void Scale<T>(T* sum, T factor, int n)
        where T : unmanaged, INumber<T>
    {
        for (var i = 0; i < n; i += Vector<T>.Count) (Vector.Load(sum + i) * factor).Store(sum + i);
    }

    static void Widen(ScalarType from, nint source, float* wide, int n, byte* raw)
    {
        if (from == ScalarType.Float32)
        {
            Unsafe.CopyBlockUnaligned(wide, (void*)source, (uint)(n * sizeof(float)));
            return;
        }
        Unsafe.CopyBlockUnaligned(raw, (void*)source, (uint)(n * MpiAbi.ElementBytes(from)));
        switch (from)
        {
            case ScalarType.Float64:
                for (var i = 0; i < n; i += Vector<float>.Count)
                    Vector.Narrow(Vector.Load((double*)raw + i), Vector.Load((double*)raw + i + Vector<double>.Count)).Store(wide + i);
                break;
            case ScalarType.BFloat16:
                for (var i = 0; i < n; i += Vector<ushort>.Count)
                {
                    Vector.Widen(Vector.Load((ushort*)raw + i), out var low, out var high);
                    Vector.AsVectorSingle(low << 16).Store(wide + i);
                    Vector.AsVectorSingle(high << 16).Store(wide + i + Vector<uint>.Count);
                }
                break;
            default:
                for (var i = 0; i < n; i += Vector<ushort>.Count)
                {
                    Vector.Widen(Vector.Load((ushort*)raw + i), out var low, out var high);
                    FromHalf(low).Store(wide + i);
                    FromHalf(high).Store(wide + i + Vector<uint>.Count);
                }
                break;
        }
    }

    static void Narrow(ScalarType to, float* wide, nint destination, int n, byte* raw)
    {
        switch (to)
        {
            case ScalarType.Float32:
                Unsafe.CopyBlockUnaligned((void*)destination, wide, (uint)(n * sizeof(float)));
                return;
            case ScalarType.Float64:
                for (var i = 0; i < n; i += Vector<float>.Count)
                {
                    Vector.Widen(Vector.Load(wide + i), out var low, out var high);
                    low.Store((double*)raw + i);
                    high.Store((double*)raw + i + Vector<double>.Count);
                }
                break;
            case ScalarType.BFloat16:
                for (var i = 0; i < n; i += Vector<ushort>.Count)
                    Vector.Narrow(ToBFloat(Vector.Load(wide + i)), ToBFloat(Vector.Load(wide + i + Vector<float>.Count))).Store((ushort*)raw + i);
                break;
            default:
                for (var i = 0; i < n; i += Vector<ushort>.Count)
                    Vector.Narrow(ToHalf(Vector.Load(wide + i)), ToHalf(Vector.Load(wide + i + Vector<float>.Count))).Store((ushort*)raw + i);
                break;
        }
        Unsafe.CopyBlockUnaligned((void*)destination, raw, (uint)(n * MpiAbi.ElementBytes(to)));
    }

    /// <summary>To nearest, ties to even; every NaN is 0x7fc0, as in libtorch.</summary>
    static Vector<uint> ToBFloat(Vector<float> value)
    {
        var bits = Vector.AsVectorUInt32(value);
        var rounded = (bits + new Vector<uint>(0x7fff) + ((bits >>> 16) & Vector<uint>.One)) >>> 16;
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(value, value)), rounded, new Vector<uint>(0x7fc0));
    }

    /// <summary>Exact. The bits moved into place are off by 2^112; a multiplication by that is exact, also for the subnormals.</summary>
    static Vector<float> FromHalf(Vector<uint> half)
    {
        var magnitude = (half & new Vector<uint>(0x7fff)) << 13;
        var finite = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) * new Vector<float>(5.192296858534828e33f));
        var special = Vector.GreaterThanOrEqual(magnitude, new Vector<uint>(0x7c00u << 13));
        var bits = Vector.ConditionalSelect(special, magnitude | new Vector<uint>(0x7f800000), finite);
        return Vector.AsVectorSingle(bits | ((half & new Vector<uint>(0x8000)) << 16));
    }

    /// <summary>To nearest, ties to even; beyond the largest infinity; every NaN is 0x7e00 with its sign, as in libtorch.</summary>
    static Vector<uint> ToHalf(Vector<float> value)
    {
        var bits = Vector.AsVectorUInt32(value);
        var sign = (bits >>> 16) & new Vector<uint>(0x8000);
        var magnitude = bits & new Vector<uint>(0x7fffffff);
        // Normal: the exponent loses 112, and the 13 bits that go round what stays.
        var normal = (magnitude - new Vector<uint>((112u << 23) - 0xfff) + ((magnitude >>> 13) & Vector<uint>.One)) >>> 13;
        // Subnormal: adding 0.5 leaves a unit of 2^-24 in the last place, and the addition rounds.
        var small = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) + new Vector<float>(0.5f)) - new Vector<uint>(0x3f000000);
        var half = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(113u << 23)), small, normal);
        half = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(magnitude, new Vector<uint>(0x477ff000)), new Vector<uint>(0x7c00), half);
        half = Vector.ConditionalSelect(Vector.GreaterThan(magnitude, new Vector<uint>(0x7f800000)), new Vector<uint>(0x7e00), half);
        return half | sign;
    }
}
