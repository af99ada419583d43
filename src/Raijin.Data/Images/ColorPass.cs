// Blends are computed as Pillow computes them: a + factor·(b − a) in float32, cut to 0–255 and rounded down. So are the grey values: 16-bit
// integer weights of Rec. 601 luma, rounded.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Raijin.Data;

/// <summary>What becomes of a pixel by its colour alone, eight pixels at a time.</summary>
interface IColorRule
{
    /// <summary>Changes eight pixels, given as their channels, 0 to 255, which are cut to that range afterwards.</summary>
    void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b);
}

/// <summary>Applies a rule to every pixel.</summary>
static class ColorPass
{
    const int Lanes = 8;

    public static void Run<TRule>(Span<Rgb> pixels, TRule rule) where TRule : struct, IColorRule
    {
        var words = MemoryMarshal.Cast<Rgb, uint>(pixels);
        var whole = words.Length - words.Length % Lanes;
        for (var i = 0; i < whole; i += Lanes) Apply(words.Slice(i, Lanes), ref rule);
        if (whole == words.Length) return;
        Span<uint> rest = stackalloc uint[Lanes];
        rest.Clear();
        words[whole..].CopyTo(rest);
        Apply(rest, ref rule);
        rest[..(words.Length - whole)].CopyTo(words[whole..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Apply<TRule>(Span<uint> eight, ref TRule rule) where TRule : struct, IColorRule
    {
        Split(eight, out var r, out var g, out var b);
        rule.Apply(ref r, ref g, ref b);
        (r, g, b) = (Cut(r), Cut(g), Cut(b));
        (r | (g << 8) | (b << 16)).AsUInt32().CopyTo(eight);
    }

    /// <summary>The channels of eight pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(ReadOnlySpan<uint> eight, out Vector256<int> r, out Vector256<int> g, out Vector256<int> b)
    {
        var words = Vector256.Create(eight);
        var mask = Vector256.Create(255u);
        r = (words & mask).AsInt32();
        g = ((words >> 8) & mask).AsInt32();
        b = ((words >> 16) & mask).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<int> Cut(Vector256<int> value) => Vector256.Min(Vector256.Max(value, Vector256<int>.Zero), Vector256.Create(255));

    /// <summary>Grey values: (19595·r + 38470·g + 7471·b + 2^15) / 2^16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Luma(Vector256<int> r, Vector256<int> g, Vector256<int> b) =>
        (r * 19595 + g * 38470 + b * 7471 + Vector256.Create(1 << 15)) >> 16;

    /// <summary>The grey value of a pixel.</summary>
    public static int Luma(Rgb pixel) => (pixel.R * 19595 + pixel.G * 38470 + pixel.B * 7471 + (1 << 15)) >> 16;

    /// <summary>from + factor·(to − from), rounded towards zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Blend(Vector256<int> from, Vector256<int> to, float factor) =>
        Vector256.ConvertToInt32(Vector256.ConvertToSingle(from) + Vector256.ConvertToSingle(to - from) * factor);
}

/// <summary>Moves every channel away from (factor above 1) or towards (below) one value: brightness from 0, contrast from the mean grey.</summary>
readonly struct FromValue(int value, float factor) : IColorRule
{
    public void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b)
    {
        var from = Vector256.Create(value);
        (r, g, b) = (ColorPass.Blend(from, r, factor), ColorPass.Blend(from, g, factor), ColorPass.Blend(from, b, factor));
    }
}

/// <summary>Moves every pixel away from or towards its own grey: saturation.</summary>
readonly struct FromGrey(float factor) : IColorRule
{
    public void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b)
    {
        var grey = ColorPass.Luma(r, g, b);
        (r, g, b) = (ColorPass.Blend(grey, r, factor), ColorPass.Blend(grey, g, factor), ColorPass.Blend(grey, b, factor));
    }
}

/// <summary>Replaces every pixel by its grey.</summary>
readonly struct ToGrey : IColorRule
{
    public void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b) => r = g = b = ColorPass.Luma(r, g, b);
}

/// <summary>Keeps the highest bits of every channel.</summary>
readonly struct KeepBits(int bits) : IColorRule
{
    public void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b)
    {
        var mask = Vector256.Create(0xFF & ~((1 << (8 - bits)) - 1));
        (r, g, b) = (r & mask, g & mask, b & mask);
    }
}

/// <summary>Inverts channel values from a threshold on.</summary>
readonly struct InvertFrom(double threshold) : IColorRule
{
    readonly Vector256<int> _least = Vector256.Create((int)Math.Ceiling(threshold));

    public void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b) => (r, g, b) = (Of(r), Of(g), Of(b));

    Vector256<int> Of(Vector256<int> v) => Vector256.ConditionalSelect(Vector256.LessThan(v, _least), v, Vector256.Create(255) - v);
}

/// <summary>
/// Turns the hue, keeping value and saturation of the HSV cone: with h in sixths, channel n (5, 3, 1) is v − c·clamp(min(k, 4 − k), 0, 1), k =
/// (n + h) mod 6. Rounded to the nearest.
/// </summary>
readonly struct TurnHue(float turns) : IColorRule
{
    public void Apply(ref Vector256<int> r, ref Vector256<int> g, ref Vector256<int> b)
    {
        var most = Vector256.Max(Vector256.Max(r, g), b);
        var range = most - Vector256.Min(Vector256.Min(r, g), b);
        var c = Vector256.ConvertToSingle(range);
        var inverse = Vector256<float>.One / Vector256.Max(c, Vector256<float>.One);
        var ofRed = Vector256.ConvertToSingle(g - b) * inverse;
        var ofGreen = Vector256.ConvertToSingle(b - r) * inverse + Vector256.Create(2f);
        var ofBlue = Vector256.ConvertToSingle(r - g) * inverse + Vector256.Create(4f);
        var sixths = Vector256.ConditionalSelect(
            Vector256.Equals(r, most).AsSingle(), ofRed, Vector256.ConditionalSelect(Vector256.Equals(g, most).AsSingle(), ofGreen, ofBlue));
        sixths += Vector256.Create(6 * turns);
        var value = Vector256.ConvertToSingle(most);
        (r, g, b) = (Channel(5), Channel(3), Channel(1));

        Vector256<int> Channel(float n)
        {
            var k = sixths + Vector256.Create(n);
            k -= Vector256.Floor(k / 6) * 6;
            var share = Vector256.Max(Vector256<float>.Zero, Vector256.Min(Vector256.Min(k, Vector256.Create(4f) - k), Vector256<float>.One));
            return Vector256.ConvertToInt32(value - c * share + Vector256.Create(0.5f));
        }
    }
}
