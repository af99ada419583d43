namespace Raijin.Tensors;

/// <summary>How a kernel reads and writes the parameter.</summary>
unsafe interface IWeights
{
    static abstract TLanes Load<TLanes>(float* weights, ushort* rounded, nint i)
        where TLanes : struct, ILanes<TLanes>;

    static abstract TLanes Load<TLanes>(float* weights, ushort* rounded, nint i, int count)
        where TLanes : struct, ILanes<TLanes>;

    static abstract void Store<TLanes>(float* weights, ushort* rounded, nint i, TLanes value)
        where TLanes : struct, ILanes<TLanes>;

    static abstract void Store<TLanes>(float* weights, ushort* rounded, nint i, int count, TLanes value)
        where TLanes : struct, ILanes<TLanes>;
}

/// <summary>The parameter is fp32.</summary>
readonly unsafe struct Float32Weights : IWeights
{
    public static TLanes Load<TLanes>(float* weights, ushort* rounded, nint i)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load(weights + i);

    public static TLanes Load<TLanes>(float* weights, ushort* rounded, nint i, int count)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load(weights + i, count);

    public static void Store<TLanes>(float* weights, ushort* rounded, nint i, TLanes value)
        where TLanes : struct, ILanes<TLanes> => value.Store(weights + i);

    public static void Store<TLanes>(float* weights, ushort* rounded, nint i, int count, TLanes value)
        where TLanes : struct, ILanes<TLanes> => value.Store(weights + i, count);
}

/// <summary>
/// The parameter is bf16 and follows an fp32 master. An element of the parameter that is not its master's rounding was written by someone
/// else (initialisation, a loaded checkpoint) and replaces the master: there is no moment at which masters must be made or refreshed.
/// Its cache line is fetched for the write in any case, so the comparison moves no further bytes.
/// </summary>
readonly unsafe struct MasterWeights : IWeights
{
    public static TLanes Load<TLanes>(float* weights, ushort* rounded, nint i)
        where TLanes : struct, ILanes<TLanes> =>
        TLanes.Load(weights + i).UnlessReplacedBy(TLanes.LoadBFloat16(rounded + i));

    public static TLanes Load<TLanes>(float* weights, ushort* rounded, nint i, int count)
        where TLanes : struct, ILanes<TLanes> =>
        TLanes.Load(weights + i, count).UnlessReplacedBy(BFloat16Gradient.Load<TLanes>(rounded, i, count));

    public static void Store<TLanes>(float* weights, ushort* rounded, nint i, TLanes value)
        where TLanes : struct, ILanes<TLanes>
    {
        value.Store(weights + i);
        value.StoreBFloat16(rounded + i);
    }

    public static void Store<TLanes>(float* weights, ushort* rounded, nint i, int count, TLanes value)
        where TLanes : struct, ILanes<TLanes>
    {
        value.Store(weights + i, count);
        var lanes = stackalloc ushort[TLanes.Count];
        value.StoreBFloat16(lanes);
        new Span<ushort>(lanes, count).CopyTo(new(rounded + i, count));
    }
}

/// <summary>How a kernel reads the gradient.</summary>
unsafe interface IGradient
{
    static abstract TLanes Load<TLanes>(void* gradient, nint i)
        where TLanes : struct, ILanes<TLanes>;

    static abstract TLanes Load<TLanes>(void* gradient, nint i, int count)
        where TLanes : struct, ILanes<TLanes>;
}

readonly unsafe struct Float32Gradient : IGradient
{
    public static TLanes Load<TLanes>(void* gradient, nint i)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load((float*)gradient + i);

    public static TLanes Load<TLanes>(void* gradient, nint i, int count)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load((float*)gradient + i, count);
}

readonly unsafe struct BFloat16Gradient : IGradient
{
    public static TLanes Load<TLanes>(void* gradient, nint i)
        where TLanes : struct, ILanes<TLanes> => TLanes.LoadBFloat16((ushort*)gradient + i);

    public static TLanes Load<TLanes>(void* gradient, nint i, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        var lanes = stackalloc ushort[TLanes.Count];
        new Span<ushort>(lanes, TLanes.Count).Clear();
        new Span<ushort>((ushort*)gradient + i, count).CopyTo(new(lanes, count));
        return TLanes.LoadBFloat16(lanes);
    }
}
