using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>
/// A register of elements in the type in which they are reduced, and how memory holds them. Every operation is exact in each lane, so that a result depends neither on the width nor on
/// where in a register an element lies.
/// </summary>
unsafe interface IElements<TSelf>
    where TSelf : struct, IElements<TSelf>
{
    /// <summary>How many elements a register holds.</summary>
    static abstract int Count { get; }

    /// <summary>Bytes of an element in memory.</summary>
    static abstract int Bytes { get; }

    static abstract TSelf Load(byte* source);

    /// <summary>Rounds to the type in memory.</summary>
    void Store(byte* destination);

    static abstract TSelf Add(TSelf left, TSelf right);

    static abstract TSelf Multiply(TSelf left, TSelf right);

    /// <summary>NaN when either is.</summary>
    static abstract TSelf Min(TSelf left, TSelf right);

    /// <summary>NaN when either is.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    TSelf Times(double factor);
}

/// <summary>How memory holds values that are reduced in float32.</summary>
unsafe interface IFloatFormat
{
    static abstract int Bytes { get; }

    static abstract TLanes Load<TLanes>(byte* source)
        where TLanes : struct, ILanes<TLanes>;

    static abstract void Store<TLanes>(TLanes value, byte* destination)
        where TLanes : struct, ILanes<TLanes>;
}

/// <summary>Elements reduced in float32, whatever their type in memory.</summary>
readonly unsafe struct FloatElements<TLanes, TFormat>(TLanes value) : IElements<FloatElements<TLanes, TFormat>>
    where TLanes : struct, ILanes<TLanes>
    where TFormat : struct, IFloatFormat
{
    readonly TLanes _value = value;

    public static int Count => TLanes.Count;

    public static int Bytes => TFormat.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatElements<TLanes, TFormat> Load(byte* source) => new(TFormat.Load<TLanes>(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(byte* destination) => TFormat.Store(_value, destination);

    public static FloatElements<TLanes, TFormat> Add(FloatElements<TLanes, TFormat> left, FloatElements<TLanes, TFormat> right) => new(left._value + right._value);

    public static FloatElements<TLanes, TFormat> Multiply(FloatElements<TLanes, TFormat> left, FloatElements<TLanes, TFormat> right) => new(left._value * right._value);

    public static FloatElements<TLanes, TFormat> Min(FloatElements<TLanes, TFormat> left, FloatElements<TLanes, TFormat> right) => new(left._value.Min(right._value));

    public static FloatElements<TLanes, TFormat> Max(FloatElements<TLanes, TFormat> left, FloatElements<TLanes, TFormat> right) => new(left._value.Max(right._value));

    public FloatElements<TLanes, TFormat> Times(double factor) => new(_value * TLanes.Splat(factor));
}

/// <summary>float32 in memory.</summary>
readonly unsafe struct Float32Format : IFloatFormat
{
    public static int Bytes => 4;

    public static TLanes Load<TLanes>(byte* source)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load((float*)source);

    public static void Store<TLanes>(TLanes value, byte* destination)
        where TLanes : struct, ILanes<TLanes> => value.Store((float*)destination);
}

/// <summary>bf16 in memory.</summary>
readonly unsafe struct BFloat16Format : IFloatFormat
{
    public static int Bytes => 2;

    public static TLanes Load<TLanes>(byte* source)
        where TLanes : struct, ILanes<TLanes> => TLanes.LoadBFloat16((ushort*)source);

    public static void Store<TLanes>(TLanes value, byte* destination)
        where TLanes : struct, ILanes<TLanes> => value.StoreBFloat16((ushort*)destination);
}

/// <summary>fp16 in memory.</summary>
readonly unsafe struct Float16Format : IFloatFormat
{
    public static int Bytes => 2;

    public static TLanes Load<TLanes>(byte* source)
        where TLanes : struct, ILanes<TLanes>
    {
        Vector512<float> lanes;
        for (var i = 0; i < TLanes.Count; i += 8) HalfLanes.Widen((ushort*)source + i).Store((float*)&lanes + i);
        return TLanes.Load((float*)&lanes);
    }

    public static void Store<TLanes>(TLanes value, byte* destination)
        where TLanes : struct, ILanes<TLanes>
    {
        Vector512<float> lanes;
        value.Store((float*)&lanes);
        for (var i = 0; i < TLanes.Count; i += 8) HalfLanes.Narrow(Vector256.Load((float*)&lanes + i), (ushort*)destination + i);
    }
}

/// <summary>float32 in memory whose values cross as <typeparamref name="TWire"/>: rounded to it when read and when written.</summary>
readonly unsafe struct RoundedFormat<TWire> : IFloatFormat
    where TWire : struct, IFloatFormat
{
    public static int Bytes => 4;

    public static TLanes Load<TLanes>(byte* source)
        where TLanes : struct, ILanes<TLanes> => Round(TLanes.Load((float*)source));

    public static void Store<TLanes>(TLanes value, byte* destination)
        where TLanes : struct, ILanes<TLanes> => Round(value).Store((float*)destination);

    static TLanes Round<TLanes>(TLanes value)
        where TLanes : struct, ILanes<TLanes>
    {
        Vector256<byte> wire;
        TWire.Store(value, (byte*)&wire);
        return TWire.Load<TLanes>((byte*)&wire);
    }
}

/// <summary>Elements reduced in the type they have in memory, 64 bytes at a time.</summary>
readonly unsafe struct Elements512<T>(Vector512<T> value) : IElements<Elements512<T>>
    where T : unmanaged, INumber<T>
{
    readonly Vector512<T> _value = value;

    public static int Count => Vector512<T>.Count;

    public static int Bytes => sizeof(T);

    public static Elements512<T> Load(byte* source) => new(Vector512.Load((T*)source));

    public void Store(byte* destination) => _value.Store((T*)destination);

    public static Elements512<T> Add(Elements512<T> left, Elements512<T> right) => new(left._value + right._value);

    public static Elements512<T> Multiply(Elements512<T> left, Elements512<T> right) => new(left._value * right._value);

    public static Elements512<T> Min(Elements512<T> left, Elements512<T> right) => new(Vector512.Min(left._value, right._value));

    public static Elements512<T> Max(Elements512<T> left, Elements512<T> right) => new(Vector512.Max(left._value, right._value));

    public Elements512<T> Times(double factor) => new(_value * T.CreateTruncating(factor));
}

/// <summary>The same, 32 bytes at a time.</summary>
readonly unsafe struct Elements256<T>(Vector256<T> value) : IElements<Elements256<T>>
    where T : unmanaged, INumber<T>
{
    readonly Vector256<T> _value = value;

    public static int Count => Vector256<T>.Count;

    public static int Bytes => sizeof(T);

    public static Elements256<T> Load(byte* source) => new(Vector256.Load((T*)source));

    public void Store(byte* destination) => _value.Store((T*)destination);

    public static Elements256<T> Add(Elements256<T> left, Elements256<T> right) => new(left._value + right._value);

    public static Elements256<T> Multiply(Elements256<T> left, Elements256<T> right) => new(left._value * right._value);

    public static Elements256<T> Min(Elements256<T> left, Elements256<T> right) => new(Vector256.Min(left._value, right._value));

    public static Elements256<T> Max(Elements256<T> left, Elements256<T> right) => new(Vector256.Max(left._value, right._value));

    public Elements256<T> Times(double factor) => new(_value * T.CreateTruncating(factor));
}
