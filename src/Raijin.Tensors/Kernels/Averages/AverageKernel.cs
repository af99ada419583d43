using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Raijin.Tensors;

/// <summary>Ranges of one tensor and its fp32 average. Any number of threads may work at once on ranges that do not overlap.</summary>
static unsafe class AverageKernel
{
    /// <summary>average ← average + share · (weights - average), computed from the nearer end; exactly the weights with share 1.</summary>
    public static void Update(float* average, void* weights, bool bfloat16, nint start, nint count, double share)
    {
        if (Vector512.IsHardwareAccelerated)
            Update<Lanes512>(average, weights, bfloat16, start, count, share);
        else
            Update<Lanes256>(average, weights, bfloat16, start, count, share);
    }

    /// <summary>The same for one of the two register widths.</summary>
    public static void Update<TLanes>(float* average, void* weights, bool bfloat16, nint start, nint count, double share)
        where TLanes : struct, ILanes<TLanes>
    {
        if (bfloat16)
            Update<TLanes, BFloat16Gradient>(average, weights, start, count, share);
        else
            Update<TLanes, Float32Gradient>(average, weights, start, count, share);
    }

    /// <summary>Exchanges two ranges of fp32.</summary>
    public static void Swap(float* average, float* weights, nint start, nint count)
    {
        var i = start;
        var end = start + count;
        for (; i <= end - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var held = Vector256.Load(average + i);
            Vector256.Load(weights + i).Store(average + i);
            held.Store(weights + i);
        }

        for (; i < end; i++) (average[i], weights[i]) = (weights[i], average[i]);
    }

    /// <summary>
    /// Puts the average, rounded to bf16, into the weights, and the weights into the upper half of the average. Its lower half stays, and together with the rounded
    /// value it is the average still: rounding is to nearest with ties away from zero, which can be undone (<see cref="SwapBack"/>).
    /// </summary>
    public static void SwapIn(float* average, ushort* weights, nint start, nint count)
    {
        var bits = (uint*)average;
        var i = start;
        var end = start + count;
        for (; i <= end - 8; i += 8)
        {
            var mean = Vector256.Load(bits + i);
            var (lower, upper) = Vector128.Widen(Vector128.Load(weights + i));
            var rounded = (mean + Vector256.Create(0x8000u)) >> 16;
            ((mean & Vector256.Create(0xFFFFu)) | (Vector256.Create(lower, upper) << 16)).Store(bits + i);
            Vector128.Narrow(rounded.GetLower(), rounded.GetUpper()).Store(weights + i);
        }

        for (; i < end; i++)
            (bits[i], weights[i]) = ((bits[i] & 0xFFFF) | ((uint)weights[i] << 16), (ushort)(unchecked(bits[i] + 0x8000) >> 16));
    }

    /// <summary>Undoes <see cref="SwapIn"/>, bit for bit.</summary>
    public static void SwapBack(float* average, ushort* weights, nint start, nint count)
    {
        var bits = (uint*)average;
        var i = start;
        var end = start + count;
        for (; i <= end - 8; i += 8)
        {
            var held = Vector256.Load(bits + i);
            var (lower, upper) = Vector128.Widen(Vector128.Load(weights + i));
            var low = held & Vector256.Create(0xFFFFu);
            // The upper half was rounded up where the lower one was half of its unit or more.
            (((Vector256.Create(lower, upper) - (low >> 15)) << 16) | low).Store(bits + i);
            var own = held >> 16;
            Vector128.Narrow(own.GetLower(), own.GetUpper()).Store(weights + i);
        }

        for (; i < end; i++)
        {
            var low = bits[i] & 0xFFFF;
            (bits[i], weights[i]) = ((unchecked(weights[i] - (low >> 15)) << 16) | low, (ushort)(bits[i] >> 16));
        }
    }

    static void Update<TLanes, TSource>(float* average, void* weights, nint start, nint count, double share)
        where TLanes : struct, ILanes<TLanes>
        where TSource : IGradient
    {
        var rest = count % TLanes.Count;
        var end = start + count - rest;
        Blocks<TLanes, TSource>(average, weights, start, end, share);
        if (rest > 0) Rest<TLanes, TSource>(average, weights, end, (int)rest, share);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Blocks<TLanes, TSource>(float* average, void* weights, nint start, nint end, double share)
        where TLanes : struct, ILanes<TLanes>
        where TSource : IGradient
    {
        var moving = new MovingAverage<TLanes>(share);
        for (var i = start; i < end; i += TLanes.Count)
            moving.Towards(TLanes.Load(average + i), TSource.Load<TLanes>(weights, i)).Store(average + i);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Rest<TLanes, TSource>(float* average, void* weights, nint i, int count, double share)
        where TLanes : struct, ILanes<TLanes>
        where TSource : IGradient =>
        new MovingAverage<TLanes>(share).Towards(TLanes.Load(average + i, count), TSource.Load<TLanes>(weights, i, count)).Store(average + i, count);
}
