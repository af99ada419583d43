using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Raijin.Parallel;

// x̂ = ±s with s = ‖x‖₂ / √n over all that is coded at once, + for x ≥ 0 and for -0. The sum of squares is taken in double in a fixed order.
// A value that is not finite makes s NaN, and everything that is decoded with it.
//
//   coded, each part:  s │ bits, 8 elements a byte, the lowest bit first, padded to 4 bytes

/// <summary>The signs of values and one magnitude for all: the compression of 1-bit Adam (Tang et al. 2021, arXiv:2102.02888, §4.1).</summary>
sealed class OneBitCodec : ValueCodec
{
    const int Lanes = 16;

    /// <inheritdoc/>
    public override long CodedBytes(long count) => sizeof(float) + ((count + 31) / 32 * 4);

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<float> values, int parts, Span<byte> coded)
    {
        var scale = (float)Math.Sqrt(Squares(values) / Math.Max(1, values.Length));
        if (!float.IsFinite(scale)) scale = float.NaN;
        var count = values.Length / parts;
        var bytes = (int)CodedBytes(count);
        for (var part = 0; part < parts; part++)
        {
            var to = coded.Slice(part * bytes, bytes);
            MemoryMarshal.Write(to, scale);
            Signs(values.Slice(part * count, count), to[sizeof(float)..]);
        }
    }

    /// <inheritdoc/>
    public override void EncodeKeepingErrors(Span<float> values, int parts, Span<byte> coded)
    {
        Encode(values, parts, coded);
        if (float.IsNaN(MemoryMarshal.Read<float>(coded)))
        {
            values.Clear();
            return;
        }
        var count = values.Length / parts;
        var bytes = (int)CodedBytes(count);
        for (var part = 0; part < parts; part++) Decode(coded.Slice(part * bytes, bytes), values.Slice(part * count, count), -1, add: true);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Decode(ReadOnlySpan<byte> coded, Span<float> values, float factor, bool add)
    {
        var scale = MemoryMarshal.Read<float>(coded) * factor;
        var bits = coded[sizeof(float)..];
        ref var to = ref MemoryMarshal.GetReference(values);
        var plus = Vector512.Create(scale);
        var lane = Vector512.Create(1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var set = Vector512.Equals(Vector512.Create((int)MemoryMarshal.Read<ushort>(bits[(i / 8)..])) & lane, lane).AsSingle();
            var value = Vector512.ConditionalSelect(set, plus, -plus);
            if (add) value += Vector512.LoadUnsafe(ref to, (nuint)i);
            value.StoreUnsafe(ref to, (nuint)i);
        }
        for (; i < values.Length; i++) values[i] = ((bits[i / 8] >> (i % 8) & 1) == 1 ? scale : -scale) + (add ? values[i] : 0);
    }

    // Not the sign bit: -0 counts as +, and NaN, which nobody decodes, as -.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Signs(ReadOnlySpan<float> values, Span<byte> bits)
    {
        ref var from = ref MemoryMarshal.GetReference(values);
        bits[(values.Length / 8)..].Clear();
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var positive = Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref from, (nuint)i), Vector512<float>.Zero);
            MemoryMarshal.Write(bits[(i / 8)..], (ushort)positive.ExtractMostSignificantBits());
        }
        for (; i < values.Length; i++)
        {
            if (i % 8 == 0) bits[i / 8] = 0;
            if (values[i] >= 0) bits[i / 8] |= (byte)(1 << (i % 8));
        }
    }

    // Element i goes into running sum i mod 16; those are added in order.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static double Squares(ReadOnlySpan<float> values)
    {
        ref var from = ref MemoryMarshal.GetReference(values);
        var (low, high) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var (a, b) = Vector512.Widen(Vector512.LoadUnsafe(ref from, (nuint)i));
            low += a * a;
            high += b * b;
        }
        var sum = 0.0;
        for (var lane = 0; lane < 8; lane++) sum += low[lane];
        for (var lane = 0; lane < 8; lane++) sum += high[lane];
        for (; i < values.Length; i++) sum += (double)values[i] * values[i];
        return sum;
    }
}
