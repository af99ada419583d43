using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// Adagrad: g ← g + λp;  s ← s + g²;  p ← p - lr/(1 + (t - 1)·η) · g / (√s + ε)
// RMSprop: g ← g + λp;  s ← αs + (1 - α)g²;  a = √s + ε, centered a = √(s - ḡ²) + ε with ḡ ← ḡ + (1 - α)(g - ḡ);
//          p ← p - lr·g/a, or with momentum b ← μb + g/a;  p ← p - lr·b

readonly struct AdagradRule<TLanes> : IUpdateRule<AdagradRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _epsilon;
    readonly TLanes _stepSize;

    AdagradRule(Adagrad algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _epsilon = TLanes.Splat(algorithm.Epsilon);
        _stepSize = TLanes.Splat(-(scalars.LearningRate / (1 + ((scalars.Step - 1) * algorithm.LearningRateDecay))));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static AdagradRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Adagrad)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes sum, ref TLanes s1, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        sum = g.MultiplyAdd(g, sum);
        return p + (_stepSize * g / (sum.Sqrt() + _epsilon));
    }
}

/// <summary>Its state registers, each present only where it is used: square average, momentum buffer, gradient average.</summary>
readonly struct RmsPropRule<TLanes, TMomentum, TCentered> : IUpdateRule<RmsPropRule<TLanes, TMomentum, TCentered>, TLanes>
    where TLanes : struct, ILanes<TLanes>
    where TMomentum : IFlag
    where TCentered : IFlag
{
    readonly Decay<TLanes> _weightDecay;
    readonly MovingAverage<TLanes> _average;
    readonly TLanes _alpha;
    readonly TLanes _weight;
    readonly TLanes _epsilon;
    readonly TLanes _momentum;
    readonly TLanes _stepSize;

    RmsPropRule(RmsProp algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _average = new(1 - algorithm.Alpha);
        _alpha = TLanes.Splat(algorithm.Alpha);
        _weight = TLanes.Splat(1 - algorithm.Alpha);
        _epsilon = TLanes.Splat(algorithm.Epsilon);
        _momentum = TLanes.Splat(algorithm.Momentum);
        _stepSize = TLanes.Splat(-scalars.LearningRate);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1 + (TMomentum.On ? 1 : 0) + (TCentered.On ? 1 : 0); }

    public static RmsPropRule<TLanes, TMomentum, TCentered> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((RmsProp)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes square, ref TLanes s1, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        square = (_weight * g).MultiplyAdd(g, square * _alpha);
        var variance = square;
        if (TCentered.On)
        {
            ref var average = ref TMomentum.On ? ref s2 : ref s1;
            average = _average.Towards(average, g);
            variance = (TLanes.Splat(-1) * average).MultiplyAdd(average, square);
        }

        var root = variance.Sqrt() + _epsilon;
        if (!TMomentum.On) return p + (_stepSize * g / root);
        s1 = (s1 * _momentum) + (g / root);
        return _stepSize.MultiplyAdd(s1, p);
    }
}
