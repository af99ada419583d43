using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Raijin.Tensors;

/// <summary>Eight fp32 lanes: AVX2, a pair of NEON or SSE registers, and in software everything else.</summary>
readonly unsafe struct Lanes256(Vector256<float> value) : ILanes<Lanes256>
{
    readonly Vector256<float> _value = value;

    public static int Count => 8;

    public static Lanes256 Splat(double value) => new(Vector256.Create((float)value));

    public static Lanes256 Mask(bool value) => new(value ? Vector256<float>.AllBitsSet : Vector256<float>.Zero);

    public static Lanes256 Select(Lanes256 mask, Lanes256 whenSet, Lanes256 whenClear) =>
        new(Vector256.ConditionalSelect(mask._value, whenSet._value, whenClear._value));

    public static Lanes256 Load(float* source) => new(Vector256.Load(source));

    public static Lanes256 Load(float* source, int count)
    {
        var lanes = Vector256<float>.Zero;
        new Span<float>(source, count).CopyTo(new(&lanes, Count));
        return new(lanes);
    }

    public static Lanes256 LoadBFloat16(ushort* source)
    {
        var (lower, upper) = Vector128.Widen(Vector128.Load(source));
        return new((Vector256.Create(lower, upper) << 16).AsSingle());
    }

    public void Store(float* destination) => _value.Store(destination);

    public void Store(float* destination, int count)
    {
        var lanes = _value;
        new Span<float>(&lanes, count).CopyTo(new(destination, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination)
    {
        var rounded = RoundedBits(_value) >> 16;
        Vector128.Narrow(rounded.GetLower(), rounded.GetUpper()).Store(destination);
    }

    public Lanes256 MultiplyAdd(Lanes256 factor, Lanes256 addend) =>
        new(Vector256.FusedMultiplyAdd(_value, factor._value, addend._value));

    public Lanes256 Sqrt() => new(Vector256.Sqrt(_value));

    public Lanes256 Max(Lanes256 other) => new(Vector256.Max(_value, other._value));

    public Lanes256 Min(Lanes256 other) => new(Vector256.Min(_value, other._value));

    public Lanes256 Clamp(Lanes256 bound) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(Vector256.Abs(_value), bound._value),
            Vector256.CopySign(bound._value, _value), _value));

    public Lanes256 Sign()
    {
        var one = Vector256<float>.One;
        return new((Vector256.GreaterThan(_value, Vector256<float>.Zero) & one) - (Vector256.LessThan(_value, Vector256<float>.Zero) & one));
    }

    public Lanes256 IsPositive() => new(Vector256.GreaterThan(_value, Vector256<float>.Zero));

    public Lanes256 UnlessReplacedBy(Lanes256 rounded)
    {
        var own = RoundedBits(_value) & Vector256.Create(0xFFFF0000u);
        return new(Vector256.ConditionalSelect(Vector256.Equals(own, rounded._value.AsUInt32()).AsSingle(), _value, rounded._value));
    }

    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._value + right._value);

    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._value - right._value);

    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._value * right._value);

    public static Lanes256 operator /(Lanes256 left, Lanes256 right) => new(left._value / right._value);

    static Vector256<uint> RoundedBits(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        var nearest = bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One);
        return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), nearest, Vector256.Create(0x7FC00000u));
    }
}
