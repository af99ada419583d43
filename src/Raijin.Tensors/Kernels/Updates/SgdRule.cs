using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// g ← g + λp;  p ← p - lr·g.  With momentum: b ← μb + (1 - τ)g (the first time b ← g), and b, or g + μb with Nesterov, takes the place of g.

readonly struct SgdRule<TLanes> : IUpdateRule<SgdRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _stepSize;

    SgdRule(in UpdateScalars scalars) => (_weightDecay, _stepSize) = (new(scalars.WeightDecay), TLanes.Splat(-scalars.LearningRate));

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 0; }

    public static SgdRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new(scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes s0, ref TLanes s1, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        return _stepSize.MultiplyAdd(g, p);
    }
}

readonly struct MomentumRule<TLanes, TNesterov> : IUpdateRule<MomentumRule<TLanes, TNesterov>, TLanes>
    where TLanes : struct, ILanes<TLanes>
    where TNesterov : IFlag
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _stepSize;
    readonly TLanes _momentum;
    readonly TLanes _gradientWeight;

    MomentumRule(Sgd algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _stepSize = TLanes.Splat(-scalars.LearningRate);
        _momentum = TLanes.Splat(algorithm.Momentum);
        _gradientWeight = TLanes.Splat(scalars.Step == 1 ? 1 : 1 - algorithm.Dampening);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static MomentumRule<TLanes, TNesterov> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Sgd)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes buffer, ref TLanes s1, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        buffer = _gradientWeight.MultiplyAdd(g, buffer * _momentum);
        var direction = TNesterov.On ? _momentum.MultiplyAdd(buffer, g) : buffer;
        return _stepSize.MultiplyAdd(direction, p);
    }
}
