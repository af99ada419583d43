using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// m ← m + (1 - β₁)(g - m),  v ← β₂v + (1 - β₂)g²,  p ← p - lr/(1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
// Adam adds λp to g first; AdamW multiplies p by 1 - lr·λ first; AMSGrad puts the largest v so far in place of v.
// The order of operations is that of libtorch's fused kernel, but for its division by √(1 - β₂ᵗ): a second division would cost an eighth more time
// where the state lies in the cache, so it is multiplied by the rounded reciprocal.

readonly struct AdamRule<TLanes, TAmsGrad> : IUpdateRule<AdamRule<TLanes, TAmsGrad>, TLanes>
    where TLanes : struct, ILanes<TLanes>
    where TAmsGrad : IFlag
{
    readonly AdamCoefficients<TLanes, TAmsGrad> _adam;
    readonly Decay<TLanes> _weightDecay;

    AdamRule(Adam algorithm, in UpdateScalars scalars)
    {
        _adam = new(algorithm.Beta1, algorithm.Beta2, algorithm.Epsilon, scalars.LearningRate, algorithm.CorrectedStep(scalars.Step));
        _weightDecay = new(scalars.WeightDecay);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => AdamCoefficients<TLanes, TAmsGrad>.Slots; }

    public static AdamRule<TLanes, TAmsGrad> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Adam)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes largest) =>
        _adam.Update(p, _weightDecay.AddTo(g, p), ref m, ref v, ref largest);
}

readonly struct AdamWRule<TLanes, TAmsGrad> : IUpdateRule<AdamWRule<TLanes, TAmsGrad>, TLanes>
    where TLanes : struct, ILanes<TLanes>
    where TAmsGrad : IFlag
{
    readonly AdamCoefficients<TLanes, TAmsGrad> _adam;
    readonly TLanes _decay;

    AdamWRule(AdamW algorithm, in UpdateScalars scalars)
    {
        _adam = new(algorithm.Beta1, algorithm.Beta2, algorithm.Epsilon, scalars.LearningRate, algorithm.CorrectedStep(scalars.Step));
        _decay = TLanes.Splat(1 - (scalars.LearningRate * scalars.WeightDecay));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => AdamCoefficients<TLanes, TAmsGrad>.Slots; }

    public static AdamWRule<TLanes, TAmsGrad> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((AdamW)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes largest) =>
        _adam.Update(p * _decay, g, ref m, ref v, ref largest);
}

/// <summary>The coefficients of one step of either, and the arithmetic they share once the weight decay has been applied.</summary>
readonly struct AdamCoefficients<TLanes, TAmsGrad>(double beta1, double beta2, double epsilon, double learningRate, long step)
    where TLanes : struct, ILanes<TLanes>
    where TAmsGrad : IFlag
{
    readonly MovingAverage<TLanes> _average = new(1 - beta1);
    readonly TLanes _beta2 = TLanes.Splat(beta2);
    readonly TLanes _squareWeight = TLanes.Splat(1 - beta2);
    readonly TLanes _correction = TLanes.Splat(1 / Math.Sqrt(1 - Math.Pow(beta2, step)));
    readonly TLanes _epsilon = TLanes.Splat(epsilon);
    readonly TLanes _stepSize = TLanes.Splat(-(learningRate / (1 - Math.Pow(beta1, step))));

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TAmsGrad.On ? 3 : 2; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes largest)
    {
        m = _average.Towards(m, g);
        v = (_squareWeight * g).MultiplyAdd(g, v * _beta2);
        if (TAmsGrad.On) largest = largest.Max(v);
        var root = (TAmsGrad.On ? largest : v).Sqrt();
        return p + (_stepSize * m / ((root * _correction) + _epsilon));
    }
}
