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

/// <summary>from + weight · (to - from), computed from the nearer end as libtorch's lerp does.</summary>
readonly struct MovingAverage<TLanes>(double weight)
    where TLanes : struct, ILanes<TLanes>
{
    readonly TLanes _factor = TLanes.Splat((float)weight < 0.5f ? weight : (float)weight - 1f);
    readonly TLanes _nearFrom = TLanes.Mask((float)weight < 0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Towards(TLanes from, TLanes to) => _factor.MultiplyAdd(to - from, TLanes.Select(_nearFrom, from, to));
}

/// <summary>Weight decay as part of the gradient.</summary>
readonly struct Decay<TLanes>(double decay)
    where TLanes : struct, ILanes<TLanes>
{
    readonly TLanes _decay = TLanes.Splat(decay);
    readonly bool _none = decay == 0;

    /// <summary>g + decay · p; untouched without decay, so that neither an infinite parameter nor the sign of a zero gets in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes AddTo(TLanes g, TLanes p) => _none ? g : _decay.MultiplyAdd(p, g);
}
