using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

/// <summary>
/// 1-bit Adam (Tang et al. 2021, arXiv:2102.02888): Adam at first; then the second moment stands still, and ranks exchange the signs of their momenta in place of gradients. No bias correction, so
/// that nothing jumps at the change; decoupled weight decay. On one rank nothing is exchanged, and all of it is the same but for that.
/// </summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="FreezeStep">Updates with gradients of full precision before the second moment stands still: some 15 % of the run. Default 100,000, as DeepSpeed's <c>freeze_step</c>.</param>
public sealed record OneBitAdam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, long FreezeStep = 100_000) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Adam.AdamSlots(false);

    internal override bool AddsDecayToGradient => false;

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<OneBitAdamRule<Lanes512>, OneBitAdamRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
        ArgumentOutOfRangeException.ThrowIfNegative(FreezeStep);
    }
}

// m ← β₁m + (1 - β₁)g,  v ← β₂v + (1 - β₂)g² up to the freeze,  p ← p(1 - lr·λ) - lr · m / (√v + ε), the last term 0 where v = 0.

readonly struct OneBitAdamRule<TLanes> : IUpdateRule<OneBitAdamRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly TLanes _beta1;
    readonly TLanes _beta2;
    readonly TLanes _weight1;
    readonly TLanes _weight2;
    readonly TLanes _epsilon;
    readonly TLanes _infinity;
    readonly TLanes _decay;
    readonly TLanes _stepSize;
    readonly bool _isFrozen;

    OneBitAdamRule(OneBitAdam algorithm, in UpdateScalars scalars)
    {
        _beta1 = TLanes.Splat(algorithm.Beta1);
        _beta2 = TLanes.Splat(algorithm.Beta2);
        _weight1 = TLanes.Splat(1 - algorithm.Beta1);
        _weight2 = TLanes.Splat(1 - algorithm.Beta2);
        _epsilon = TLanes.Splat(algorithm.Epsilon);
        _infinity = TLanes.Splat(double.PositiveInfinity);
        _decay = TLanes.Splat(1 - (scalars.LearningRate * scalars.WeightDecay));
        _stepSize = TLanes.Splat(-scalars.LearningRate);
        _isFrozen = scalars.Step > algorithm.FreezeStep;
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static OneBitAdamRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((OneBitAdam)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes s2)
    {
        m = _weight1.MultiplyAdd(g, m * _beta1);
        if (!_isFrozen) v = (_weight2 * g).MultiplyAdd(g, v * _beta2);
        // Over infinity where v is 0, over NaN where it is that.
        return (p * _decay) + (_stepSize * m / TLanes.Select(v.IsPositive(), v.Sqrt() + _epsilon, v + _infinity));
    }
}
