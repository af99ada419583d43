using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// Chen et al. 2023, arXiv:2302.06675, algorithm 2: p ← p(1 - lr·λ) - lr·sign(β₁m + (1 - β₁)g);  m ← β₂m + (1 - β₂)g.
// One state register instead of Adam's two: 20 bytes moved per element.

readonly struct LionRule<TLanes> : IUpdateRule<LionRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly TLanes _beta1;
    readonly TLanes _beta2;
    readonly TLanes _weight1;
    readonly TLanes _weight2;
    readonly TLanes _decay;
    readonly TLanes _stepSize;

    LionRule(Lion algorithm, in UpdateScalars scalars)
    {
        _beta1 = TLanes.Splat(algorithm.Beta1);
        _beta2 = TLanes.Splat(algorithm.Beta2);
        _weight1 = TLanes.Splat(1 - algorithm.Beta1);
        _weight2 = TLanes.Splat(1 - algorithm.Beta2);
        _decay = TLanes.Splat(1 - (scalars.LearningRate * scalars.WeightDecay));
        _stepSize = TLanes.Splat(-scalars.LearningRate);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static LionRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Lion)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes s1, ref TLanes s2)
    {
        var direction = _weight1.MultiplyAdd(g, m * _beta1).Sign();
        m = _weight2.MultiplyAdd(g, m * _beta2);
        return _stepSize.MultiplyAdd(direction, p * _decay);
    }
}
