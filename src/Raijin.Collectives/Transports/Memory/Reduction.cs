using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

// d_j[i] = s_0[i] ∘ s_1[i] ∘ … ∘ s_n-1[i] for every destination j: sources in their order, one rounding where the type in memory is narrower than the one reduced in.
// Each byte is read once from every source and written once to every destination. Destinations may be sources: an element is written after it was read everywhere.

/// <summary>How the elements of several ranks become one: a loop for a type, a type on the wire and an operation.</summary>
abstract unsafe class Reduction
{
    static readonly Dictionary<(ScalarType, ScalarType?, ReduceOp), Reduction> Known = [];

    /// <summary>Bytes of an element in memory.</summary>
    public abstract int ElementBytes { get; }

    /// <summary>Reduces <paramref name="count"/> elements.</summary>
    /// <param name="sources">Where the elements of each rank begin.</param>
    /// <param name="numSources">How many ranks.</param>
    /// <param name="destinations">Where results go.</param>
    /// <param name="numDestinations">At least one.</param>
    /// <param name="count">How many elements.</param>
    public abstract void Run(byte** sources, int numSources, byte** destinations, int numDestinations, nint count);

    /// <summary>The loop for memory of type <paramref name="dtype"/> whose values cross as <paramref name="wire"/>.</summary>
    public static Reduction For(ScalarType dtype, ScalarType? wire, ReduceOp op)
    {
        lock (Known)
        {
            if (Known.TryGetValue((dtype, wire, op), out var known)) return known;
            var made = Vector512.IsHardwareAccelerated ? Make<Lanes512>(dtype, wire, op) : Make<Lanes256>(dtype, wire, op);
            Known.Add((dtype, wire, op), made);
            return made;
        }
    }

    static Reduction Make<TLanes>(ScalarType dtype, ScalarType? wire, ReduceOp op)
        where TLanes : struct, ILanes<TLanes> => (dtype, wire) switch
    {
        (ScalarType.Float32, null) => Of<FloatElements<TLanes, Float32Format>>(op),
        (ScalarType.Float32, ScalarType.BFloat16) => Of<FloatElements<TLanes, RoundedFormat<BFloat16Format>>>(op),
        (ScalarType.Float32, ScalarType.Float16) => Of<FloatElements<TLanes, RoundedFormat<Float16Format>>>(op),
        (ScalarType.BFloat16, null) => Of<FloatElements<TLanes, BFloat16Format>>(op),
        (ScalarType.Float16, null) => Of<FloatElements<TLanes, Float16Format>>(op),
        (ScalarType.Float64, null) => Native<double>(op),
        (ScalarType.Int64, null) => Native<long>(op),
        (ScalarType.Int32, null) => Native<int>(op),
        (ScalarType.Int16, null) => Native<short>(op),
        (ScalarType.Int8, null) => Native<sbyte>(op),
        (ScalarType.Byte, null) => Native<byte>(op),
        _ => throw new UnreachableException($"The group lets {dtype} cross as {wire}."),
    };

    static Reduction Native<T>(ReduceOp op)
        where T : unmanaged, System.Numerics.INumber<T> => Vector512.IsHardwareAccelerated ? Of<Elements512<T>>(op) : Of<Elements256<T>>(op);

    static Reduction Of<TElements>(ReduceOp op)
        where TElements : struct, IElements<TElements> => op switch
    {
        ReduceOp.Sum => new Reduction<TElements, Adding>(),
        ReduceOp.Mean => new Reduction<TElements, Averaging>(),
        ReduceOp.Product => new Reduction<TElements, Multiplying>(),
        ReduceOp.Min => new Reduction<TElements, Smallest>(),
        ReduceOp.Max => new Reduction<TElements, Largest>(),
        _ => throw new UnreachableException($"The group lets {op} through."),
    };
}

/// <summary>What is done with two elements, and with the last result.</summary>
interface IReducing
{
    static abstract T Combine<T>(T left, T right)
        where T : struct, IElements<T>;

    /// <summary>What becomes of the combination of all; <paramref name="share"/> is one over their number.</summary>
    static virtual T Finish<T>(T value, double share)
        where T : struct, IElements<T> => value;
}

readonly struct Adding : IReducing
{
    public static T Combine<T>(T left, T right)
        where T : struct, IElements<T> => T.Add(left, right);
}

readonly struct Averaging : IReducing
{
    public static T Combine<T>(T left, T right)
        where T : struct, IElements<T> => T.Add(left, right);

    public static T Finish<T>(T value, double share)
        where T : struct, IElements<T> => value.Times(share);
}

readonly struct Multiplying : IReducing
{
    public static T Combine<T>(T left, T right)
        where T : struct, IElements<T> => T.Multiply(left, right);
}

readonly struct Smallest : IReducing
{
    public static T Combine<T>(T left, T right)
        where T : struct, IElements<T> => T.Min(left, right);
}

readonly struct Largest : IReducing
{
    public static T Combine<T>(T left, T right)
        where T : struct, IElements<T> => T.Max(left, right);
}

sealed unsafe class Reduction<TElements, TReducing> : Reduction
    where TElements : struct, IElements<TElements>
    where TReducing : struct, IReducing
{
    const int LargestRegister = 64;

    public override int ElementBytes => TElements.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(byte** sources, int numSources, byte** destinations, int numDestinations, nint count)
    {
        var share = 1.0 / numSources;
        nint register = TElements.Count * TElements.Bytes;
        var bytes = count * TElements.Bytes;
        nint i = 0;
        for (; i + (4 * register) <= bytes; i += 4 * register)
        {
            var at = sources[0] + i;
            var (a, b, c, d) = (TElements.Load(at), TElements.Load(at + register), TElements.Load(at + (2 * register)), TElements.Load(at + (3 * register)));
            for (var s = 1; s < numSources; s++)
            {
                at = sources[s] + i;
                a = TReducing.Combine(a, TElements.Load(at));
                b = TReducing.Combine(b, TElements.Load(at + register));
                c = TReducing.Combine(c, TElements.Load(at + (2 * register)));
                d = TReducing.Combine(d, TElements.Load(at + (3 * register)));
            }

            a = TReducing.Finish(a, share);
            b = TReducing.Finish(b, share);
            c = TReducing.Finish(c, share);
            d = TReducing.Finish(d, share);
            for (var t = 0; t < numDestinations; t++)
            {
                at = destinations[t] + i;
                a.Store(at);
                b.Store(at + register);
                c.Store(at + (2 * register));
                d.Store(at + (3 * register));
            }
        }

        for (; i + register <= bytes; i += register)
        {
            var a = TElements.Load(sources[0] + i);
            for (var s = 1; s < numSources; s++) a = TReducing.Combine(a, TElements.Load(sources[s] + i));
            a = TReducing.Finish(a, share);
            for (var t = 0; t < numDestinations; t++) a.Store(destinations[t] + i);
        }

        if (i < bytes) Rest(sources, numSources, destinations, numDestinations, i, bytes - i, share);
    }

    // What does not fill a register goes through one on the stack.
    static void Rest(byte** sources, int numSources, byte** destinations, int numDestinations, nint start, nint bytes, double share)
    {
        var lanes = stackalloc byte[LargestRegister];
        var value = Load(sources[0]);
        for (var s = 1; s < numSources; s++) value = TReducing.Combine(value, Load(sources[s]));
        TReducing.Finish(value, share).Store(lanes);
        for (var t = 0; t < numDestinations; t++) Buffer.MemoryCopy(lanes, destinations[t] + start, bytes, bytes);

        TElements Load(byte* source)
        {
            Buffer.MemoryCopy(source + start, lanes, LargestRegister, bytes);
            return TElements.Load(lanes);
        }
    }
}
