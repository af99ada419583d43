using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

/// <summary>An option of a rule that the compiler resolves.</summary>
interface IFlag
{
    static abstract bool On { get; }
}

readonly struct Yes : IFlag
{
    public static bool On => true;
}

readonly struct No : IFlag
{
    public static bool On => false;
}

static class Lerp
{
    /// <summary>from + weight · (to - from), computed from the nearer end as libtorch's lerp does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Towards<TLanes>(TLanes from, TLanes to, float weight)
        where TLanes : struct, ILanes<TLanes> =>
        weight < 0.5f
            ? TLanes.Splat(weight).MultiplyAdd(to - from, from)
            : TLanes.Splat(weight - 1).MultiplyAdd(to - from, to);
}

static class WeightDecay
{
    /// <summary>g + decay · p; untouched without decay, so that neither an infinite parameter nor the sign of a zero gets in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes AddTo<TLanes>(TLanes g, TLanes p, float decay)
        where TLanes : struct, ILanes<TLanes> => decay == 0 ? g : TLanes.Splat(decay).MultiplyAdd(p, g);
}
