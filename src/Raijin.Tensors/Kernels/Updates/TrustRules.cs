using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// LAMB: m and v as in Adam, r = m̂/(√v̂ + ε) + λp;  p ← p - lr·‖p‖/‖r‖·r
// LARS: b ← μb + lr·η‖p‖/(‖g‖ + λ‖p‖)·(g + λp);  p ← p - b
// Adafactor, unfactored: v ← v + t^-c(g² + ε₁ - v), u = g/√v;  p ← p(1 - lr·λ) - α·u/max(1, RMS(u)/d), with α and the clip in the trust

readonly struct LambRule<TLanes> : ITrustRule<LambRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly MovingAverage<TLanes> _average;
    readonly SecondMoment<TLanes> _second;
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _correction;
    readonly TLanes _stepSize;

    LambRule(Lamb algorithm, in UpdateScalars scalars)
    {
        _average = new(1 - algorithm.Beta1);
        _second = new(algorithm.Beta2, algorithm.Epsilon, algorithm.CorrectedStep(scalars.Step));
        _weightDecay = new(scalars.WeightDecay);
        _correction = TLanes.Splat(1 / (1 - Math.Pow(algorithm.Beta1, algorithm.CorrectedStep(scalars.Step))));
        _stepSize = TLanes.Splat(-(scalars.LearningRate * scalars.Trust));
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static bool DirectionAdvances { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    public static bool UpdateAdvances { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static LambRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Lamb)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Direction(TLanes p, TLanes g, ref TLanes m, ref TLanes v)
    {
        m = _average.Towards(m, g);
        return _weightDecay.AddTo(m * _correction / _second.Denominator(g, ref v), p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes m, ref TLanes v) =>
        _stepSize.MultiplyAdd(_weightDecay.AddTo(m * _correction / _second.Denominator(v), p), p);
}

readonly struct LarsRule<TLanes> : ITrustRule<LarsRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _momentum;
    readonly TLanes _stepSize;

    LarsRule(Lars algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _momentum = TLanes.Splat(algorithm.Momentum);
        _stepSize = TLanes.Splat(scalars.LearningRate * scalars.Trust);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static bool DirectionAdvances { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool UpdateAdvances { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    public static LarsRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Lars)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Direction(TLanes p, TLanes g, ref TLanes buffer, ref TLanes s1) => g;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes buffer, ref TLanes s1)
    {
        buffer = _stepSize.MultiplyAdd(_weightDecay.AddTo(g, p), buffer * _momentum);
        return p - buffer;
    }
}

readonly struct AdafactorRule<TLanes> : ITrustRule<AdafactorRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly MovingAverage<TLanes> _average;
    readonly TLanes _epsilon;
    readonly TLanes _decay;
    readonly TLanes _stepSize;

    AdafactorRule(Adafactor algorithm, in UpdateScalars scalars)
    {
        _average = new(algorithm.SquareWeight(scalars.Step));
        _epsilon = TLanes.Splat(algorithm.SquareEpsilon);
        _decay = TLanes.Splat(1 - (scalars.LearningRate * scalars.WeightDecay));
        _stepSize = TLanes.Splat(-scalars.Trust);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static bool DirectionAdvances { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    public static bool UpdateAdvances { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static AdafactorRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Adafactor)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Direction(TLanes p, TLanes g, ref TLanes square, ref TLanes s1)
    {
        square = _average.Towards(square, g.MultiplyAdd(g, _epsilon));
        return g / square.Sqrt();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes square, ref TLanes s1) => (_stepSize * g / square.Sqrt()) + (p * _decay);
}
