using System.Runtime.Intrinsics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>Copies float32 values into the type in which they cross, rounded, and back.</summary>
abstract unsafe class WireFormat
{
    static readonly WireFormat BFloat16 = Vector512.IsHardwareAccelerated ? new WireFormat<Lanes512, BFloat16Format>() : new WireFormat<Lanes256, BFloat16Format>();
    static readonly WireFormat Float16 = Vector512.IsHardwareAccelerated ? new WireFormat<Lanes512, Float16Format>() : new WireFormat<Lanes256, Float16Format>();

    public static WireFormat For(ScalarType wire) => wire == ScalarType.BFloat16 ? BFloat16 : Float16;

    public abstract void Narrow(float* source, byte* destination, nint count);

    public abstract void Widen(byte* source, float* destination, nint count);
}

sealed unsafe class WireFormat<TLanes, TFormat> : WireFormat
    where TLanes : struct, ILanes<TLanes>
    where TFormat : struct, IFloatFormat
{
    public override void Narrow(float* source, byte* destination, nint count)
    {
        nint i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TFormat.Store(TLanes.Load(source + i), destination + (i * TFormat.Bytes));
        if (i == count) return;
        var wire = stackalloc byte[32];
        TFormat.Store(TLanes.Load(source + i, (int)(count - i)), wire);
        Buffer.MemoryCopy(wire, destination + (i * TFormat.Bytes), (count - i) * TFormat.Bytes, (count - i) * TFormat.Bytes);
    }

    public override void Widen(byte* source, float* destination, nint count)
    {
        nint i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TFormat.Load<TLanes>(source + (i * TFormat.Bytes)).Store(destination + i);
        if (i == count) return;
        var wire = stackalloc byte[32];
        Buffer.MemoryCopy(source + (i * TFormat.Bytes), wire, 32, (count - i) * TFormat.Bytes);
        TFormat.Load<TLanes>(wire).Store(destination + i, (int)(count - i));
    }
}
