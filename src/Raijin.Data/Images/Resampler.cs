// Rows first, rounded to bytes, then columns, as Pillow does it and with its integer weights: the results are its results, bit for bit.
// Cost of W × H out of w × h: about h·W·(2w/W) + H·W·(2h/H) multiply-adds of a pixel, eight or more channels of which are one instruction.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Raijin.Data;

/// <summary>A rectangle between pixels.</summary>
readonly record struct Area(double Left, double Top, double Width, double Height);

/// <summary>Makes the pixels that a placement shows: crop, resize and mirror in one pass each way.</summary>
/// <param name="area">The box that is resampled, in the source's pixels.</param>
/// <param name="placement">What becomes of it; its own source box is not looked at.</param>
readonly struct Resampler(Area area, Placement placement)
{
    const int Half = 1 << (Taps.Bits - 1);

    bool CopiesRows => area.Width == placement.Width && area.Left == Math.Floor(area.Left);

    bool CopiesColumns => area.Height == placement.Height && area.Top == Math.Floor(area.Top);

    /// <summary>Draws the window.</summary>
    /// <param name="source">Row-major, width × height.</param>
    /// <param name="target">Row-major, as large as the placement's window.</param>
    public void Draw(ReadOnlySpan<Rgb> source, int width, int height, Span<Rgb> target)
    {
        var window = placement.Window;
        using var across = new Taps(area.Left, area.Width, placement.Width, window.Left, window.Right, width, repeat: 4);
        if (CopiesColumns)
        {
            for (var y = 0; y < window.Height; y++)
                DrawRow(source.Slice(((int)area.Top + window.Top + y) * width, width), across, target.Slice(RowOf(y) * window.Width, window.Width));
            return;
        }

        using var down = new Taps(area.Top, area.Height, placement.Height, window.Top, window.Bottom, height, repeat: 1);
        var (from, to) = (down.First[0], down.First[window.Height - 1] + down.Count[window.Height - 1]);
        if (CopiesRows && !placement.MirrorX)
        {
            var left = (int)area.Left + window.Left;
            DrawColumns(source[(from * width + left)..], width, from, down, target);
            return;
        }

        var rows = ArrayPool<Rgb>.Shared.Rent((to - from) * window.Width);
        for (var y = from; y < to; y++)
            DrawRow(source.Slice(y * width, width), across, rows.AsSpan((y - from) * window.Width, window.Width));
        DrawColumns(rows.AsSpan(0, (to - from) * window.Width), window.Width, from, down, target);
        ArrayPool<Rgb>.Shared.Return(rows);
    }

    int RowOf(int y) => placement.MirrorY ? placement.Window.Height - 1 - y : y;

    void DrawRow(ReadOnlySpan<Rgb> source, in Taps taps, Span<Rgb> target)
    {
        if (CopiesRows)
        {
            source.Slice((int)area.Left + placement.Window.Left, target.Length).CopyTo(target);
        }
        else
        {
            for (var x = 0; x < target.Length; x++)
            {
                var pixels = source.Slice(taps.First[x], taps.Count[x]);
                target[x] = Sum(pixels, taps.Weights.Slice(x * taps.Most * 4, pixels.Length * 4));
            }
        }
        if (placement.MirrorX) target.Reverse();
    }

    // Two pixels at a time; lanes are r, g, b and the byte without meaning.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Rgb Sum(ReadOnlySpan<Rgb> pixels, ReadOnlySpan<int> weights)
    {
        ref var pixel = ref MemoryMarshal.GetReference(pixels);
        ref var weight = ref MemoryMarshal.GetReference(weights);
        var pairs = Vector256<int>.Zero;
        nuint k = 0;
        for (; k + 2 <= (nuint)pixels.Length; k += 2)
            pairs += Widened(Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<Rgb, byte>(ref Unsafe.Add(ref pixel, k)))) * Vector256.LoadUnsafe(ref weight, 4 * k);
        var sum = pairs.GetLower() + pairs.GetUpper() + Vector128.Create(Half);
        if (k < (nuint)pixels.Length)
            sum += Widened(Unsafe.As<Rgb, uint>(ref Unsafe.Add(ref pixel, k))) * Vector128.LoadUnsafe(ref weight, 4 * k);
        return Packed(sum >> Taps.Bits);
    }

    void DrawColumns(ReadOnlySpan<Rgb> rows, int stride, int firstRow, in Taps taps, Span<Rgb> target)
    {
        var width = placement.Window.Width;
        for (var y = 0; y < placement.Window.Height; y++)
        {
            var count = taps.Count[y];
            var used = rows.Slice((taps.First[y] - firstRow) * stride, (count - 1) * stride + width);
            Blend(used, stride, taps.Weights.Slice(y * taps.Most, count), target.Slice(RowOf(y) * width, width));
        }
    }

    // The weighted sum of rows that lie a stride apart.
    static void Blend(ReadOnlySpan<Rgb> rows, int stride, ReadOnlySpan<int> weights, Span<Rgb> target)
    {
        ref var from = ref Unsafe.As<Rgb, byte>(ref MemoryMarshal.GetReference(rows));
        ref var to = ref Unsafe.As<Rgb, byte>(ref MemoryMarshal.GetReference(target));
        var x = 0;
        for (; x + 8 <= target.Length; x += 8)
        {
            var (a, b, c, d) = (Vector256.Create(Half), Vector256.Create(Half), Vector256.Create(Half), Vector256.Create(Half));
            for (var k = 0; k < weights.Length; k++)
            {
                var weight = Vector256.Create(weights[k]);
                var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)(4 * (k * stride + x))));
                var (first, second) = Vector256.Widen(low);
                var (third, fourth) = Vector256.Widen(high);
                a += first.AsInt32() * weight;
                b += second.AsInt32() * weight;
                c += third.AsInt32() * weight;
                d += fourth.AsInt32() * weight;
            }
            Vector256.Narrow(
                Vector256.Narrow((a >> Taps.Bits).AsUInt32(), (b >> Taps.Bits).AsUInt32()),
                Vector256.Narrow((c >> Taps.Bits).AsUInt32(), (d >> Taps.Bits).AsUInt32())).StoreUnsafe(ref to, (nuint)(4 * x));
        }
        for (; x < target.Length; x++)
        {
            var sum = Vector128.Create(Half);
            for (var k = 0; k < weights.Length; k++)
                sum += Widened(Unsafe.As<Rgb, uint>(ref Unsafe.AsRef(in rows[k * stride + x]))) * weights[k];
            target[x] = Packed(sum >> Taps.Bits);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<int> Widened(ulong pixels)
    {
        var bytes = Vector128.CreateScalarUnsafe(pixels).AsByte();
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(bytes);
        var (low, high) = Vector128.Widen(Vector128.WidenLower(bytes));
        return Vector256.Create(low.AsInt32(), high.AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Widened(uint pixel) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(pixel).AsByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Rgb Packed(Vector128<int> channels)
    {
        var bytes = Vector128.Narrow(Vector128.Narrow(channels, channels).AsUInt16(), Vector128<ushort>.Zero);
        var pixel = bytes.AsUInt32().ToScalar();
        return Unsafe.BitCast<uint, Rgb>(pixel);
    }
}
