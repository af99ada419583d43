using System.Runtime.Intrinsics;

namespace Raijin.Tensors;

/// <summary>How a kernel reads and writes the parameter.</summary>
unsafe interface IWeights
{
    static abstract bool HasRounded { get; }

    static abstract TLanes Load<TLanes>(float* weights, ushort* rounded, nint i)
        where TLanes : struct, ILanes<TLanes>;

    static abstract void Store<TLanes>(float* weights, ushort* rounded, nint i, TLanes value)
        where TLanes : struct, ILanes<TLanes>;
}

/// <summary>The parameter is fp32.</summary>
readonly unsafe struct Float32Weights : IWeights
{
    public static bool HasRounded => false;

    public static TLanes Load<TLanes>(float* weights, ushort* rounded, nint i)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load(weights + i);

    public static void Store<TLanes>(float* weights, ushort* rounded, nint i, TLanes value)
        where TLanes : struct, ILanes<TLanes> => value.Store(weights + i);
}

/// <summary>
/// The parameter is bf16 and follows an fp32 master. An element of the parameter that is not its master's rounding was written by someone
/// else (initialisation, a loaded checkpoint) and replaces the master: there is no moment at which masters must be made or refreshed.
/// Its cache line is fetched for the write in any case, so the comparison moves no further bytes.
/// </summary>
readonly unsafe struct MasterWeights : IWeights
{
    public static bool HasRounded => true;

    public static TLanes Load<TLanes>(float* weights, ushort* rounded, nint i)
        where TLanes : struct, ILanes<TLanes> =>
        TLanes.Load(weights + i).UnlessReplacedBy(TLanes.LoadBFloat16(rounded + i));

    public static void Store<TLanes>(float* weights, ushort* rounded, nint i, TLanes value)
        where TLanes : struct, ILanes<TLanes>
    {
        value.Store(weights + i);
        value.StoreBFloat16(rounded + i);
    }
}

/// <summary>How a kernel reads the gradient.</summary>
unsafe interface IGradient
{
    /// <summary>Bytes an element takes.</summary>
    static abstract int Bytes { get; }

    static abstract TLanes Load<TLanes>(void* gradient, nint i)
        where TLanes : struct, ILanes<TLanes>;

    /// <summary>Sixteen elements, whatever the machine's registers.</summary>
    static abstract Vector512<float> Load16(void* gradient, nint i);
}

readonly unsafe struct Float32Gradient : IGradient
{
    public static int Bytes => sizeof(float);

    public static TLanes Load<TLanes>(void* gradient, nint i)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load((float*)gradient + i);

    public static Vector512<float> Load16(void* gradient, nint i) => Vector512.Load((float*)gradient + i);
}

readonly unsafe struct BFloat16Gradient : IGradient
{
    public static int Bytes => sizeof(ushort);

    public static TLanes Load<TLanes>(void* gradient, nint i)
        where TLanes : struct, ILanes<TLanes> => TLanes.LoadBFloat16((ushort*)gradient + i);

    public static Vector512<float> Load16(void* gradient, nint i)
    {
        var (lower, upper) = Vector256.Widen(Vector256.Load((ushort*)gradient + i));
        return (Vector512.Create(lower, upper) << 16).AsSingle();
    }
}
