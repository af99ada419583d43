using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// m ← m + (1 - β₁)(g - m),  v ← β₂v + (1 - β₂)g²,  p ← p - lr/(1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
// Adam adds λp to g first; AdamW multiplies p by 1 - lr·λ first; AMSGrad puts the largest v so far in place of v.
// The order of operations is that of libtorch's fused kernel.

readonly struct AdamRule<TAmsGrad> : IUpdateRule<AdamRule<TAmsGrad>>
    where TAmsGrad : IFlag
{
    readonly AdamCoefficients<TAmsGrad> _adam;
    readonly float _weightDecay;

    AdamRule(Adam algorithm, in UpdateScalars scalars)
    {
        _adam = new(algorithm.Beta1, algorithm.Beta2, algorithm.Epsilon, scalars);
        _weightDecay = (float)scalars.WeightDecay;
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => AdamCoefficients<TAmsGrad>.Slots; }

    public static AdamRule<TAmsGrad> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Adam)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes largest)
        where TLanes : struct, ILanes<TLanes> =>
        _adam.Update(p, WeightDecay.AddTo(g, p, _weightDecay), ref m, ref v, ref largest);
}

readonly struct AdamWRule<TAmsGrad> : IUpdateRule<AdamWRule<TAmsGrad>>
    where TAmsGrad : IFlag
{
    readonly AdamCoefficients<TAmsGrad> _adam;
    readonly float _decay;

    AdamWRule(AdamW algorithm, in UpdateScalars scalars)
    {
        _adam = new(algorithm.Beta1, algorithm.Beta2, algorithm.Epsilon, scalars);
        _decay = (float)(1 - (scalars.LearningRate * scalars.WeightDecay));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => AdamCoefficients<TAmsGrad>.Slots; }

    public static AdamWRule<TAmsGrad> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((AdamW)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes largest)
        where TLanes : struct, ILanes<TLanes> =>
        _adam.Update(p * TLanes.Splat(_decay), g, ref m, ref v, ref largest);
}

/// <summary>The coefficients of one step of either, and the arithmetic they share once the weight decay has been applied.</summary>
readonly struct AdamCoefficients<TAmsGrad>(double beta1, double beta2, double epsilon, in UpdateScalars scalars)
    where TAmsGrad : IFlag
{
    readonly float _weight = (float)(1 - beta1);
    readonly float _beta2 = (float)beta2;
    readonly float _squareWeight = (float)(1 - beta2);
    readonly float _correction = (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, scalars.Step)));
    readonly float _epsilon = (float)epsilon;
    readonly float _stepSize = (float)-(scalars.LearningRate / (1 - Math.Pow(beta1, scalars.Step)));

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TAmsGrad.On ? 3 : 2; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes largest)
        where TLanes : struct, ILanes<TLanes>
    {
        m = Lerp.Towards(m, g, _weight);
        v = (TLanes.Splat(_squareWeight) * g).MultiplyAdd(g, v * TLanes.Splat(_beta2));
        if (TAmsGrad.On) largest = largest.Max(v);
        var root = (TAmsGrad.On ? largest : v).Sqrt();
        var denominator = (root * TLanes.Splat(_correction)) + TLanes.Splat(_epsilon);
        return p + (TLanes.Splat(_stepSize) * m / denominator);
    }
}
