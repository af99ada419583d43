using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Raijin.Tensors;

/// <summary>
/// Σ x² over a range of fp32 or bf16, in double: squares of fp32 cannot overflow there, so the sum is finite exactly when every element is.
/// Sixteen running sums, element i into sum i mod 16, added in one fixed order: the result has the same bits on every machine.
/// </summary>
static unsafe class GradientSquares
{
    [SkipLocalsInit]
    public static double Sum<TGradient>(void* gradient, nint start, nint count)
        where TGradient : IGradient
    {
        var low = Vector512<double>.Zero;
        var high = Vector512<double>.Zero;
        nint i = 0;
        for (; i <= count - 16; i += 16)
            Add<TGradient>(gradient, start + i, ref low, ref high);

        var rest = (int)(count - i);
        if (rest > 0)
        {
            var padded = stackalloc float[16];
            new Span<float>(padded, 16).Clear();
            new Span<byte>((byte*)gradient + ((start + i) * TGradient.Bytes), rest * TGradient.Bytes).CopyTo(new(padded, 64));
            Add<TGradient>(padded, 0, ref low, ref high);
        }

        var eight = low + high;
        var four = eight.GetLower() + eight.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Add<TGradient>(void* gradient, nint i, ref Vector512<double> low, ref Vector512<double> high)
        where TGradient : IGradient
    {
        var (a, b) = Vector512.Widen(TGradient.Load16(gradient, i));
        low = Vector512.FusedMultiplyAdd(a, a, low);
        high = Vector512.FusedMultiplyAdd(b, b, high);
    }
}
