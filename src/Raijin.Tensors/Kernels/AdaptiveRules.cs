using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// Adagrad: g ← g + λp;  s ← s + g²;  p ← p - lr/(1 + (t - 1)·η) · g / (√s + ε)
// RMSprop: g ← g + λp;  s ← αs + (1 - α)g²;  a = √s + ε, centered a = √(s - ḡ²) + ε with ḡ ← ḡ + (1 - α)(g - ḡ);
//          p ← p - lr·g/a, or with momentum b ← μb + g/a;  p ← p - lr·b

readonly struct AdagradRule : IUpdateRule<AdagradRule>
{
    readonly float _weightDecay;
    readonly float _epsilon;
    readonly float _stepSize;

    AdagradRule(Adagrad algorithm, in UpdateScalars scalars)
    {
        _weightDecay = (float)scalars.WeightDecay;
        _epsilon = (float)algorithm.Epsilon;
        _stepSize = (float)-(scalars.LearningRate / (1 + ((scalars.Step - 1) * algorithm.LearningRateDecay)));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static AdagradRule For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Adagrad)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes sum, ref TLanes s1, ref TLanes s2)
        where TLanes : struct, ILanes<TLanes>
    {
        g = WeightDecay.AddTo(g, p, _weightDecay);
        sum = g.MultiplyAdd(g, sum);
        return p + (TLanes.Splat(_stepSize) * g / (sum.Sqrt() + TLanes.Splat(_epsilon)));
    }
}

/// <summary>Its state registers, each present only where it is used: square average, momentum buffer, gradient average.</summary>
readonly struct RmsPropRule<TMomentum, TCentered> : IUpdateRule<RmsPropRule<TMomentum, TCentered>>
    where TMomentum : IFlag
    where TCentered : IFlag
{
    readonly float _weightDecay;
    readonly float _alpha;
    readonly float _weight;
    readonly float _epsilon;
    readonly float _momentum;
    readonly float _stepSize;

    RmsPropRule(RmsProp algorithm, in UpdateScalars scalars)
    {
        _weightDecay = (float)scalars.WeightDecay;
        _alpha = (float)algorithm.Alpha;
        _weight = (float)(1 - algorithm.Alpha);
        _epsilon = (float)algorithm.Epsilon;
        _momentum = (float)algorithm.Momentum;
        _stepSize = (float)-scalars.LearningRate;
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1 + (TMomentum.On ? 1 : 0) + (TCentered.On ? 1 : 0); }

    public static RmsPropRule<TMomentum, TCentered> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((RmsProp)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes square, ref TLanes s1, ref TLanes s2)
        where TLanes : struct, ILanes<TLanes>
    {
        g = WeightDecay.AddTo(g, p, _weightDecay);
        square = (TLanes.Splat(_weight) * g).MultiplyAdd(g, square * TLanes.Splat(_alpha));
        var variance = square;
        if (TCentered.On)
        {
            ref var average = ref TMomentum.On ? ref s2 : ref s1;
            average = Lerp.Towards(average, g, _weight);
            variance = (TLanes.Splat(-1) * average).MultiplyAdd(average, square);
        }

        var root = variance.Sqrt() + TLanes.Splat(_epsilon);
        if (!TMomentum.On) return p + (TLanes.Splat(_stepSize) * g / root);
        s1 = (s1 * TLanes.Splat(_momentum)) + (g / root);
        return TLanes.Splat(_stepSize).MultiplyAdd(s1, p);
    }
}
