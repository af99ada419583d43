using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Raijin.Tensors;

/// <summary>Sixteen fp32 lanes; only where the machine has AVX-512.</summary>
readonly unsafe struct Lanes512(Vector512<float> value) : ILanes<Lanes512>
{
    readonly Vector512<float> _value = value;

    public static int Count => 16;

    public static Lanes512 Splat(double value) => new(Vector512.Create((float)value));

    public static Lanes512 Mask(bool value) => new(value ? Vector512<float>.AllBitsSet : Vector512<float>.Zero);

    public static Lanes512 Select(Lanes512 mask, Lanes512 whenSet, Lanes512 whenClear) =>
        new(Vector512.ConditionalSelect(mask._value, whenSet._value, whenClear._value));

    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    public static Lanes512 Load(float* source, int count) => new(Avx512F.MaskLoad(source, First(count), Vector512<float>.Zero));

    public static Lanes512 LoadBFloat16(ushort* source)
    {
        var (lower, upper) = Vector256.Widen(Vector256.Load(source));
        return new((Vector512.Create(lower, upper) << 16).AsSingle());
    }

    public void Store(float* destination) => _value.Store(destination);

    public void Store(float* destination, int count) => Avx512F.MaskStore(destination, First(count), _value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination)
    {
        var rounded = RoundedBits(_value) >> 16;
        Avx512F.ConvertToVector256UInt16(rounded).Store(destination);
    }

    public Lanes512 MultiplyAdd(Lanes512 factor, Lanes512 addend) =>
        new(Vector512.FusedMultiplyAdd(_value, factor._value, addend._value));

    public Lanes512 Sqrt() => new(Vector512.Sqrt(_value));

    public Lanes512 Max(Lanes512 other) => new(Vector512.Max(_value, other._value));

    public Lanes512 Min(Lanes512 other) => new(Vector512.Min(_value, other._value));

    public Lanes512 Clamp(Lanes512 bound) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(Vector512.Abs(_value), bound._value),
            Vector512.CopySign(bound._value, _value), _value));

    public Lanes512 Sign()
    {
        var one = Vector512<float>.One;
        return new((Vector512.GreaterThan(_value, Vector512<float>.Zero) & one) - (Vector512.LessThan(_value, Vector512<float>.Zero) & one));
    }

    public Lanes512 IsPositive() => new(Vector512.GreaterThan(_value, Vector512<float>.Zero));

    public Lanes512 UnlessReplacedBy(Lanes512 rounded)
    {
        var own = RoundedBits(_value) & Vector512.Create(0xFFFF0000u);
        return new(Vector512.ConditionalSelect(Vector512.Equals(own, rounded._value.AsUInt32()).AsSingle(), _value, rounded._value));
    }

    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._value + right._value);

    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._value - right._value);

    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._value * right._value);

    public static Lanes512 operator /(Lanes512 left, Lanes512 right) => new(left._value / right._value);

    static Vector512<float> First(int count) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    static Vector512<uint> RoundedBits(Vector512<float> value)
    {
        var bits = value.AsUInt32();
        var nearest = bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), nearest, Vector512.Create(0x7FC00000u));
    }
}
