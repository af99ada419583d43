using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// Chen et al. 2023, arXiv:2302.06675, algorithm 2: p ← p(1 - lr·λ) - lr·sign(β₁m + (1 - β₁)g);  m ← β₂m + (1 - β₂)g.
// One state register instead of Adam's two: 20 bytes moved per element.

readonly struct LionRule : IUpdateRule<LionRule>
{
    readonly float _beta1;
    readonly float _beta2;
    readonly float _weight1;
    readonly float _weight2;
    readonly float _decay;
    readonly float _stepSize;

    LionRule(Lion algorithm, in UpdateScalars scalars)
    {
        _beta1 = (float)algorithm.Beta1;
        _beta2 = (float)algorithm.Beta2;
        _weight1 = (float)(1 - algorithm.Beta1);
        _weight2 = (float)(1 - algorithm.Beta2);
        _decay = (float)(1 - (scalars.LearningRate * scalars.WeightDecay));
        _stepSize = (float)-scalars.LearningRate;
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static LionRule For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) =>
        new((Lion)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update<TLanes>(TLanes p, TLanes g, ref TLanes m, ref TLanes s1, ref TLanes s2)
        where TLanes : struct, ILanes<TLanes>
    {
        var direction = TLanes.Splat(_weight1).MultiplyAdd(g, m * TLanes.Splat(_beta1)).Sign();
        m = TLanes.Splat(_weight2).MultiplyAdd(g, m * TLanes.Splat(_beta2));
        return TLanes.Splat(_stepSize).MultiplyAdd(direction, p * TLanes.Splat(_decay));
    }
}
