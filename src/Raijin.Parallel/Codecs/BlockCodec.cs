using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Raijin.Parallel;

// x̂ = q · s with s = max|x| / L over a block, q = round(x / s) to nearest, ties to even, in [-L, L]; L = 127 for 8 bits, 7 for 4. So |x - x̂| ≤ s/2, up to the rounding of fp32.
// A block with an infinite or NaN element has s = NaN and comes back as NaN throughout: what overflowed stays visible. A block whose s would be no normal fp32 number comes back as zeros.
//
//   coded:  s of block 0 │ s of block 1 │ … │ codes, padded to 4 bytes
//
// 8 bits: a signed byte an element. 4 bits: q + 8; byte j of each 16 holds element j in its lower half and element 16 + j in its upper one, of 32; the last 32 are filled up with zeros.

/// <summary>Blockwise symmetric quantisation to 8 or 4 bits, each block with an fp32 scale: ZeRO++'s qwZ and qgZ (Wang et al. 2023, arXiv:2306.10209, §3.1 and §3.3).</summary>
sealed class BlockCodec : ValueCodec
{
    /// <summary>Elements that share a scale. 256 costs 1.6 % of 8-bit codes and 3.1 % of 4-bit ones.</summary>
    public const int DefaultBlockSize = 256;

    const int Group = 32;
    const uint Infinity = 0x7F800000;
    const float SmallestNormal = 1.17549435e-38f;

    readonly int _levels;

    /// <param name="bits">8 or 4.</param>
    /// <param name="blockSize">A positive multiple of 32.</param>
    public BlockCodec(int bits, int blockSize = DefaultBlockSize)
    {
        if (bits is not (4 or 8)) throw new ArgumentOutOfRangeException(nameof(bits), bits, "Values are coded in 4 or 8 bits.");
        if (blockSize <= 0 || blockSize % Group != 0) throw new ArgumentOutOfRangeException(nameof(blockSize), blockSize, $"A block has a positive multiple of {Group} elements.");
        Bits = bits;
        BlockSize = blockSize;
        _levels = bits == 8 ? 127 : 7;
    }

    /// <summary>Bits of a code.</summary>
    public int Bits { get; }

    /// <summary>Elements that share a scale.</summary>
    public int BlockSize { get; }

    /// <inheritdoc/>
    public override long CodedBytes(long count) => (Blocks(count) * sizeof(float)) + ((CodeBytes(count) + 3) / 4 * 4);

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<float> values, int parts, Span<byte> coded)
    {
        var count = values.Length / parts;
        var bytes = (int)CodedBytes(count);
        for (var part = 0; part < parts; part++) Encode(values.Slice(part * count, count), coded.Slice(part * bytes, bytes));
    }

    /// <inheritdoc/>
    public override void EncodeKeepingErrors(Span<float> values, int parts, Span<byte> coded)
    {
        Encode(values, parts, coded);
        var count = values.Length / parts;
        var bytes = (int)CodedBytes(count);
        for (var part = 0; part < parts; part++)
        {
            var errors = values.Slice(part * count, count);
            var mine = coded.Slice(part * bytes, bytes);
            var scales = MemoryMarshal.Cast<byte, float>(mine[..(Blocks(count) * sizeof(float))]);
            Decode(mine, errors, -1, add: true);
            for (var block = 0; block < scales.Length; block++)
                if (float.IsNaN(scales[block])) BlockOf(errors, block).Clear();
        }
    }

    /// <inheritdoc/>
    public override void Decode(ReadOnlySpan<byte> coded, Span<float> values, float factor, bool add)
    {
        var scales = MemoryMarshal.Cast<byte, float>(coded[..(Blocks(values.Length) * sizeof(float))]);
        var codes = coded[(scales.Length * sizeof(float))..];
        for (var block = 0; block < scales.Length; block++)
        {
            var to = BlockOf(values, block);
            var from = codes.Slice(CodeBytes(block * BlockSize), CodeBytes(to.Length));
            var scale = scales[block] * factor;
            if (Bits == 8) Decode8(from, to, scale, add);
            else Decode4(from, to, scale, add);
        }
    }

    void Encode(ReadOnlySpan<float> values, Span<byte> coded)
    {
        var scales = MemoryMarshal.Cast<byte, float>(coded[..(Blocks(values.Length) * sizeof(float))]);
        var codes = coded[(scales.Length * sizeof(float))..];
        codes[CodeBytes(values.Length)..].Clear();
        for (var block = 0; block < scales.Length; block++)
        {
            var from = BlockOf(values, block);
            var to = codes.Slice(CodeBytes(block * BlockSize), CodeBytes(from.Length));
            var largest = LargestBits(from);
            var scale = BitConverter.UInt32BitsToSingle(largest) / _levels;
            scales[block] = scale = largest >= Infinity ? float.NaN : scale < SmallestNormal ? 0 : scale;
            // By an infinite divisor everything becomes 0.
            var divisor = float.IsNaN(scale) || scale == 0 ? float.PositiveInfinity : scale;
            if (Bits == 8) Encode8(from, to, divisor);
            else Encode4(from, to, divisor);
        }
    }

    // |x| as integers orders as |x| does, with NaN above all.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static uint LargestBits(ReadOnlySpan<float> values)
    {
        ref var first = ref MemoryMarshal.GetReference(values);
        var largest = Vector512<uint>.Zero;
        var magnitude = Vector512.Create(0x7FFFFFFFu);
        var i = 0;
        for (; i <= values.Length - 16; i += 16) largest = Vector512.Max(largest, Vector512.LoadUnsafe(ref first, (nuint)i).AsUInt32() & magnitude);
        var all = 0u;
        for (var lane = 0; lane < 16; lane++) all = Math.Max(all, largest[lane]);
        for (; i < values.Length; i++) all = Math.Max(all, BitConverter.SingleToUInt32Bits(values[i]) & 0x7FFFFFFF);
        return all;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Encode8(ReadOnlySpan<float> values, Span<byte> codes, float divisor)
    {
        ref var from = ref MemoryMarshal.GetReference(values);
        ref var to = ref MemoryMarshal.GetReference(codes);
        var i = 0;
        for (; i <= values.Length - Group; i += Group)
        {
            var low = Codes(ref from, i, divisor);
            var high = Codes(ref from, i + 16, divisor);
            Vector256.Narrow(Vector512.Narrow(low, high).GetLower(), Vector512.Narrow(low, high).GetUpper()).AsByte().StoreUnsafe(ref to, (nuint)i);
        }
        for (; i < values.Length; i++) codes[i] = (byte)Code(values[i], divisor);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Encode4(ReadOnlySpan<float> values, Span<byte> codes, float divisor)
    {
        ref var from = ref MemoryMarshal.GetReference(values);
        ref var to = ref MemoryMarshal.GetReference(codes);
        var i = 0;
        var eight = Vector512.Create(8);
        for (; i <= values.Length - Group; i += Group)
        {
            var pairs = (Codes(ref from, i, divisor) + eight) | ((Codes(ref from, i + 16, divisor) + eight) << 4);
            var words = Vector256.Narrow(pairs.GetLower().AsUInt32(), pairs.GetUpper().AsUInt32());
            Vector128.Narrow(words.GetLower(), words.GetUpper()).StoreUnsafe(ref to, (nuint)(i / 2));
        }
        if (i == values.Length) return;
        for (var j = 0; j < 16; j++)
            codes[(i / 2) + j] = (byte)((Rest(values, i + j) + 8) | ((Rest(values, i + 16 + j) + 8) << 4));

        int Rest(ReadOnlySpan<float> all, int at) => at < all.Length ? Code(all[at], divisor) : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Decode8(ReadOnlySpan<byte> codes, Span<float> values, float scale, bool add)
    {
        ref var from = ref MemoryMarshal.GetReference(codes);
        ref var to = ref MemoryMarshal.GetReference(values);
        var factor = Vector512.Create(scale);
        var i = 0;
        for (; i <= values.Length - 16; i += 16)
        {
            var (low, high) = Vector256.Widen(Vector256.WidenLower(Vector128.LoadUnsafe(ref from, (nuint)i).AsSByte().ToVector256()));
            Put(ref to, i, Vector512.ConvertToSingle(Vector512.Create(low, high)) * factor, add);
        }
        for (; i < values.Length; i++) values[i] = ((sbyte)codes[i] * scale) + (add ? values[i] : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Decode4(ReadOnlySpan<byte> codes, Span<float> values, float scale, bool add)
    {
        ref var from = ref MemoryMarshal.GetReference(codes);
        ref var to = ref MemoryMarshal.GetReference(values);
        var factor = Vector512.Create(scale);
        var eight = Vector512.Create(8);
        var i = 0;
        for (; i <= values.Length - Group; i += Group)
        {
            var (low, high) = Vector256.Widen(Vector256.WidenLower(Vector128.LoadUnsafe(ref from, (nuint)(i / 2)).ToVector256()));
            var pairs = Vector512.Create(low, high).AsInt32();
            Put(ref to, i, Vector512.ConvertToSingle((pairs & Vector512.Create(15)) - eight) * factor, add);
            Put(ref to, i + 16, Vector512.ConvertToSingle((pairs >> 4) - eight) * factor, add);
        }
        for (var rest = i; rest < values.Length; rest++)
        {
            var (j, isHigh) = ((rest - i) % 16, rest - i >= 16);
            var code = ((codes[(i / 2) + j] >> (isHigh ? 4 : 0)) & 15) - 8;
            values[rest] = (code * scale) + (add ? values[rest] : 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Put(ref float to, int at, Vector512<float> value, bool add)
    {
        if (add) value += Vector512.LoadUnsafe(ref to, (nuint)at);
        value.StoreUnsafe(ref to, (nuint)at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<int> Codes(ref float from, int at, float divisor)
    {
        // Infinity / infinity is NaN, which becomes 0 as NaN / infinity does: such a block's scale is NaN.
        var quotient = Vector512.LoadUnsafe(ref from, (nuint)at) / Vector512.Create(divisor);
        return Vector512.ConvertToInt32(Vector512.Round(quotient));
    }

    static int Code(float value, float divisor)
    {
        var quotient = value / divisor;
        return float.IsNaN(quotient) ? 0 : (int)MathF.Round(quotient);
    }

    int Blocks(long count) => checked((int)((count + BlockSize - 1) / BlockSize));

    int CodeBytes(long count) => checked((int)(Bits == 8 ? count : (count + Group - 1) / Group * (Group / 2)));

    Span<float> BlockOf(Span<float> values, int block) => values.Slice(block * BlockSize, Math.Min(BlockSize, values.Length - (block * BlockSize)));

    ReadOnlySpan<float> BlockOf(ReadOnlySpan<float> values, int block) => values.Slice(block * BlockSize, Math.Min(BlockSize, values.Length - (block * BlockSize)));
}
