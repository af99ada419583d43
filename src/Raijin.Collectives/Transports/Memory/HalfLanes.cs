using System.Runtime.Intrinsics;

namespace Raijin.Collectives;

/// <summary>fp16 to float32 and back, eight at a time.</summary>
static unsafe class HalfLanes
{
    const int ExponentShift = 13;

    // What an exponent of fp16 lacks to one of float32, in place.
    const uint Rebias = (127 - 15) << 23;

    /// <summary>Exact. NaN stays NaN.</summary>
    public static Vector256<float> Widen(ushort* source)
    {
        var (lower, upper) = Vector128.Widen(Vector128.Load(source));
        var bits = Vector256.Create(lower, upper);
        var sign = (bits & Vector256.Create(0x8000u)) << 16;
        var magnitude = (bits & Vector256.Create(0x7FFFu)) << ExponentShift;
        var exponent = magnitude & Vector256.Create(0x7C00u << ExponentShift);
        var normal = magnitude + Vector256.Create(Rebias);
        // Infinity and NaN: the largest exponent of the one becomes that of the other.
        var special = normal + Vector256.Create((128u - 16u) << 23);
        // Subnormal: 2^-14 × the fraction, which float32 holds as (1 + fraction) × 2^-14 - 2^-14.
        var subnormal = ((magnitude + Vector256.Create(Rebias + (1u << 23))).AsSingle() - Vector256.Create(6.103515625e-05f)).AsUInt32();
        var finite = Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256<uint>.Zero), subnormal, normal);
        return (sign | Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256.Create(0x7C00u << ExponentShift)), special, finite)).AsSingle();
    }

    /// <summary>Rounded to nearest, ties to even; beyond the range infinity; NaN stays NaN.</summary>
    public static void Narrow(Vector256<float> value, ushort* destination)
    {
        var bits = value.AsUInt32();
        var sign = bits & Vector256.Create(0x80000000u);
        var magnitude = bits ^ sign;
        // The sum with this power of two rounds a value below 2^-14 at fp16's last place, and leaves it in the low bits.
        var place = Vector256.Create((127u - 15 + 23 - 10 + 1) << 23);
        var subnormal = (magnitude.AsSingle() + place.AsSingle()).AsUInt32() - place;
        var odd = (magnitude >> ExponentShift) & Vector256<uint>.One;
        var normal = (magnitude - Vector256.Create(Rebias - 0xFFF) + odd) >> ExponentShift;
        var special = Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), Vector256.Create(0x7C00u), Vector256.Create(0x7E00u));
        var small = Vector256.LessThan(magnitude, Vector256.Create(113u << 23));
        var large = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create((127u + 16) << 23));
        var half = Vector256.ConditionalSelect(large, special, Vector256.ConditionalSelect(small, subnormal, normal)) | (sign >> 16);
        Vector128.Narrow(half.GetLower(), half.GetUpper()).Store(destination);
    }
}
