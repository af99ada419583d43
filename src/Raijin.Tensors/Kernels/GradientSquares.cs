using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Raijin.Tensors;

/// <summary>
/// Σ x² over a range of fp32 or bf16, in double: squares of fp32 cannot overflow there, so the sum is finite exactly when every element is.
/// Element i goes into running sum i mod 32, and those are added in one fixed order: the result has the same bits on every machine.
/// </summary>
static unsafe class GradientSquares
{
    const int Block = 32;

    public static double Sum(float* source, nint count)
    {
        var rest = count % Block;
        var sum = SumBlocks(source, count - rest);
        return rest == 0 ? sum : sum + SumRest(source + count - rest, (int)rest);
    }

    public static double Sum(ushort* source, nint count)
    {
        const int Piece = 1024;
        var wide = stackalloc float[Piece];
        var sum = 0.0;
        for (nint i = 0; i < count; i += Piece)
        {
            var length = (int)Math.Min(Piece, count - i);
            Widen(source + i, wide, length);
            sum += Sum(wide, length);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static double SumRest(float* source, int count)
    {
        var padded = stackalloc float[Block];
        new Span<float>(padded, Block).Clear();
        new Span<float>(source, count).CopyTo(new(padded, Block));
        return SumBlocks(padded, Block);
    }

    // Compiled at its best from the first call: the loop runs long before the usual thirty calls are over.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static double SumBlocks(float* source, nint count)
    {
        var (s0, s1, s2, s3) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        for (nint i = 0; i < count; i += Block)
        {
            var (a, b) = Vector512.Widen(Vector512.Load(source + i));
            var (c, d) = Vector512.Widen(Vector512.Load(source + i + 16));
            s0 = Vector512.FusedMultiplyAdd(a, a, s0);
            s1 = Vector512.FusedMultiplyAdd(b, b, s1);
            s2 = Vector512.FusedMultiplyAdd(c, c, s2);
            s3 = Vector512.FusedMultiplyAdd(d, d, s3);
        }

        var eight = (s0 + s1) + (s2 + s3);
        var four = eight.GetLower() + eight.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }

    static void Widen(ushort* source, float* destination, int count)
    {
        var i = 0;
        for (; i <= count - 8; i += 8)
            Lanes256.LoadBFloat16(source + i).Store(destination + i);
        for (; i < count; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}
