using System.Numerics;

namespace Raijin.Tensors;

/// <summary>
/// A register of fp32 lanes. Kernels are written once against it and compiled for the widest register of the machine. Every operation is
/// IEEE-exact per lane, so a kernel's result does not depend on the width chosen.
/// </summary>
unsafe interface ILanes<TSelf> : IAdditionOperators<TSelf, TSelf, TSelf>, ISubtractionOperators<TSelf, TSelf, TSelf>,
    IMultiplyOperators<TSelf, TSelf, TSelf>, IDivisionOperators<TSelf, TSelf, TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    static abstract int Count { get; }

    /// <summary>The value, rounded to fp32, in every lane.</summary>
    static abstract TSelf Splat(double value);

    /// <summary>All bits set or clear, for <see cref="Select"/>.</summary>
    static abstract TSelf Mask(bool value);

    static abstract TSelf Select(TSelf mask, TSelf whenSet, TSelf whenClear);

    static abstract TSelf Load(float* source);

    /// <summary>Loads the first <paramref name="count"/> lanes and no byte more; the others are 0.</summary>
    static abstract TSelf Load(float* source, int count);

    /// <summary>Loads bf16 values, widened exactly.</summary>
    static abstract TSelf LoadBFloat16(ushort* source);

    void Store(float* destination);

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    void Store(float* destination, int count);

    /// <summary>Stores as bf16, rounded to nearest, ties to even; NaN stays NaN.</summary>
    void StoreBFloat16(ushort* destination);

    /// <summary>This × <paramref name="factor"/> + <paramref name="addend"/>, rounded once.</summary>
    TSelf MultiplyAdd(TSelf factor, TSelf addend);

    TSelf Sqrt();

    /// <summary>The larger of both; NaN when either is.</summary>
    TSelf Max(TSelf other);

    /// <summary>The smaller of both; NaN when either is.</summary>
    TSelf Min(TSelf other);

    /// <summary>Within ±<paramref name="bound"/>; NaN stays NaN.</summary>
    TSelf Clamp(TSelf bound);

    /// <summary>-1, 0 or 1; 0 for NaN.</summary>
    TSelf Sign();

    /// <summary>Lanes above 0, as a mask for <see cref="Select"/>.</summary>
    TSelf IsPositive();

    /// <summary>Lane by lane, this where its bf16 rounding has the bits of <paramref name="rounded"/>, else <paramref name="rounded"/> itself.</summary>
    TSelf UnlessReplacedBy(TSelf rounded);
}
