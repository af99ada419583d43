using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// g ← g + λp;  p ← p - lr·g.  With momentum: b ← μb + (1 - τ)g (the first time b ← g), and b, or g + μb with Nesterov, takes the place of g.

readonly struct SgdRule : IUpdateRule<SgdRule>
{
    readonly float _weightDecay;
    readonly float _stepSize;

    SgdRule(in UpdateScalars scalars) => (_weightDecay, _stepSize) = ((float)scalars.WeightDecay, (float)-scalars.LearningRate);

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 0; }

    public static SgdRule For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new(scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes s0, ref TLanes s1, ref TLanes s2)
        where TLanes : struct, ILanes<TLanes>
    {
        g = WeightDecay.AddTo(g, p, _weightDecay);
        return TLanes.Splat(_stepSize).MultiplyAdd(g, p);
    }
}

readonly struct MomentumRule<TNesterov> : IUpdateRule<MomentumRule<TNesterov>>
    where TNesterov : IFlag
{
    readonly float _weightDecay;
    readonly float _stepSize;
    readonly float _momentum;
    readonly float _gradientWeight;

    MomentumRule(Sgd algorithm, in UpdateScalars scalars)
    {
        _weightDecay = (float)scalars.WeightDecay;
        _stepSize = (float)-scalars.LearningRate;
        _momentum = (float)algorithm.Momentum;
        _gradientWeight = scalars.Step == 1 ? 1 : (float)(1 - algorithm.Dampening);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static MomentumRule<TNesterov> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Sgd)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes buffer, ref TLanes s1, ref TLanes s2)
        where TLanes : struct, ILanes<TLanes>
    {
        g = WeightDecay.AddTo(g, p, _weightDecay);
        buffer = TLanes.Splat(_gradientWeight).MultiplyAdd(g, buffer * TLanes.Splat(_momentum));
        var direction = TNesterov.On ? TLanes.Splat(_momentum).MultiplyAdd(buffer, g) : buffer;
        return TLanes.Splat(_stepSize).MultiplyAdd(direction, p);
    }
}
