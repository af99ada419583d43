using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// m and v as in Adam. v̂ = v/(1 - β₂ᵗ).
// NAdam: μₜ = β₁(1 - ½·0.96^(tψ)), Πₜ = μ₁…μₜ;  p ← p - lr·((1 - μₜ)/(1 - Πₜ)·g + μₜ₊₁/(1 - Πₜμₜ₊₁)·m) / (√v̂ + ε)
// RAdam: p ← p - lr/(1 - β₁ᵗ) · m · rₜ√(1 - β₂ᵗ)/(√v + ε), and without the last factor while there is no rₜ
// Adamax: u ← max(β₂u, |g| + ε);  p ← p - lr/(1 - β₁ᵗ) · m/u
// Schedule-free: n = g/(√v̂ + ε) + λy;  y ← y + c(z - y) + lr(β₁(1 - c) - 1)n;  z ← z - lr·n,  c the share of the new z in the mean x

readonly struct NAdamRule<TLanes> : IUpdateRule<NAdamRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly MovingAverage<TLanes> _average;
    readonly SecondMoment<TLanes> _second;
    readonly TLanes _gradientStep;
    readonly TLanes _momentStep;

    NAdamRule(NAdam algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _average = new(1 - algorithm.Beta1);
        _second = new(algorithm.Beta2, algorithm.Epsilon, scalars.Step);
        var (now, next) = (algorithm.MomentumAt(scalars.Step), algorithm.MomentumAt(scalars.Step + 1));
        var product = algorithm.MomentumProduct(scalars);
        _gradientStep = TLanes.Splat(-(scalars.LearningRate * (1 - now) / (1 - product)));
        _momentStep = TLanes.Splat(-(scalars.LearningRate * next / (1 - (product * next))));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static NAdamRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((NAdam)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        m = _average.Towards(m, g);
        return p + (_momentStep.MultiplyAdd(m, _gradientStep * g) / _second.Denominator(g, ref v));
    }
}

readonly struct RAdamRule<TLanes> : IUpdateRule<RAdamRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly MovingAverage<TLanes> _average;
    readonly TLanes _beta2;
    readonly TLanes _squareWeight;
    readonly TLanes _epsilon;
    readonly TLanes _stepSize;
    readonly bool _rectified;

    RAdamRule(RAdam algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _average = new(1 - algorithm.Beta1);
        _beta2 = TLanes.Splat(algorithm.Beta2);
        _squareWeight = TLanes.Splat(1 - algorithm.Beta2);
        _epsilon = TLanes.Splat(algorithm.Epsilon);
        var rectification = algorithm.Rectification(scalars.Step);
        _rectified = rectification.HasValue;
        var adaptive = rectification is { } r ? r * Math.Sqrt(1 - Math.Pow(algorithm.Beta2, scalars.Step)) : 1;
        _stepSize = TLanes.Splat(-(scalars.LearningRate / (1 - Math.Pow(algorithm.Beta1, scalars.Step)) * adaptive));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static RAdamRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((RAdam)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        m = _average.Towards(m, g);
        v = (_squareWeight * g).MultiplyAdd(g, v * _beta2);
        return _rectified ? p + (_stepSize * m / (v.Sqrt() + _epsilon)) : _stepSize.MultiplyAdd(m, p);
    }
}

readonly struct AdamaxRule<TLanes> : IUpdateRule<AdamaxRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly MovingAverage<TLanes> _average;
    readonly TLanes _beta2;
    readonly TLanes _epsilon;
    readonly TLanes _stepSize;

    AdamaxRule(Adamax algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _average = new(1 - algorithm.Beta1);
        _beta2 = TLanes.Splat(algorithm.Beta2);
        _epsilon = TLanes.Splat(algorithm.Epsilon);
        _stepSize = TLanes.Splat(-(scalars.LearningRate / (1 - Math.Pow(algorithm.Beta1, scalars.Step))));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static AdamaxRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Adamax)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes largest, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        m = _average.Towards(m, g);
        largest = (largest * _beta2).Max(g.Max(default(TLanes) - g) + _epsilon);
        return p + (_stepSize * m / largest);
    }
}

readonly struct ScheduleFreeRule<TLanes> : IUpdateRule<ScheduleFreeRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly SecondMoment<TLanes> _second;
    readonly Decay<TLanes> _weightDecay;
    readonly MovingAverage<TLanes> _mean;
    readonly TLanes _step;
    readonly TLanes _baseStep;
    readonly TLanes _isFirst;

    ScheduleFreeRule(ScheduleFreeAdamW algorithm, in UpdateScalars scalars)
    {
        var share = algorithm.Share(scalars);
        _second = new(algorithm.Beta2, algorithm.Epsilon, scalars.Step);
        _weightDecay = new(scalars.WeightDecay);
        _mean = new(share);
        _step = TLanes.Splat(scalars.LearningRate * ((algorithm.Beta1 * (1 - share)) - 1));
        _baseStep = TLanes.Splat(-scalars.LearningRate);
        _isFirst = TLanes.Mask(scalars.Step == 1);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static ScheduleFreeRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((ScheduleFreeAdamW)algorithm, scalars);

    // All three begin where the parameter is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes y, TLanes g, ref TLanes z, ref TLanes v, ref TLanes s2)
    {
        z = TLanes.Select(_isFirst, y, z);
        var direction = _weightDecay.AddTo(g / _second.Denominator(g, ref v), y);
        y = _step.MultiplyAdd(direction, _mean.Towards(y, z));
        z = _baseStep.MultiplyAdd(direction, z);
        return y;
    }
}

/// <summary>v ← β₂v + (1 - β₂)g², and √(v/(1 - β₂ᵗ)) + ε of it; the division is a multiplication, as in Adam.</summary>
readonly struct SecondMoment<TLanes>(double beta2, double epsilon, long step)
    where TLanes : struct, ILanes<TLanes>
{
    readonly TLanes _beta2 = TLanes.Splat(beta2);
    readonly TLanes _weight = TLanes.Splat(1 - beta2);
    readonly TLanes _correction = TLanes.Splat(1 / Math.Sqrt(1 - Math.Pow(beta2, step)));
    readonly TLanes _epsilon = TLanes.Splat(epsilon);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Denominator(TLanes g, ref TLanes v)
    {
        v = (_weight * g).MultiplyAdd(g, v * _beta2);
        return Denominator(v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Denominator(TLanes v) => (v.Sqrt() * _correction) + _epsilon;
}
