using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// Adadelta: s ← ρs + (1 - ρ)g²;  Δ = √(d + ε)/√(s + ε)·g;  d ← ρd + (1 - ρ)Δ²;  p ← p - lr·Δ
// Rprop: step ← clamp(step · (η⁺ where g·prev > 0, η⁻ where < 0)), g ← 0 where < 0;  p ← p - sign(g)·step;  prev ← g
// ASGD: p ← p(1 - λη) - ηg;  a ← a + μ(p - a)

readonly struct AdadeltaRule<TLanes> : IUpdateRule<AdadeltaRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _rho;
    readonly TLanes _weight;
    readonly TLanes _epsilon;
    readonly TLanes _stepSize;

    AdadeltaRule(Adadelta algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _rho = TLanes.Splat(algorithm.Rho);
        _weight = TLanes.Splat(1 - algorithm.Rho);
        _epsilon = TLanes.Splat(algorithm.Epsilon);
        _stepSize = TLanes.Splat(-scalars.LearningRate);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static AdadeltaRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Adadelta)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes square, ref TLanes travelled, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        square = (_weight * g).MultiplyAdd(g, square * _rho);
        var delta = (travelled + _epsilon).Sqrt() / (square + _epsilon).Sqrt() * g;
        travelled = (_weight * delta).MultiplyAdd(delta, travelled * _rho);
        return _stepSize.MultiplyAdd(delta, p);
    }
}

readonly struct RpropRule<TLanes> : IUpdateRule<RpropRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _shrink;
    readonly TLanes _grow;
    readonly TLanes _smallest;
    readonly TLanes _largest;
    readonly TLanes _start;
    readonly TLanes _isFirst;

    RpropRule(Rprop algorithm, in UpdateScalars scalars)
    {
        _weightDecay = new(scalars.WeightDecay);
        _shrink = TLanes.Splat(algorithm.Shrink);
        _grow = TLanes.Splat(algorithm.Grow);
        _smallest = TLanes.Splat(algorithm.SmallestStep);
        _largest = TLanes.Splat(algorithm.LargestStep);
        _start = TLanes.Splat(scalars.LearningRate);
        _isFirst = TLanes.Mask(scalars.Step == 1);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    public static RpropRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Rprop)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes previous, ref TLanes step, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        var product = g * previous;
        var (stayed, turned) = (product.IsPositive(), (default(TLanes) - product).IsPositive());
        step = TLanes.Select(_isFirst, _start, step);
        step = TLanes.Select(stayed, step * _grow, TLanes.Select(turned, step * _shrink, step)).Max(_smallest).Min(_largest);
        g = TLanes.Select(turned, default, g);
        previous = g;
        return p - (g.Sign() * step);
    }
}

readonly struct AsgdRule<TLanes> : IUpdateRule<AsgdRule<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    readonly Decay<TLanes> _weightDecay;
    readonly TLanes _shrink;
    readonly TLanes _stepSize;
    readonly TLanes _share;
    readonly TLanes _isLast;

    AsgdRule(Asgd algorithm, in UpdateScalars scalars)
    {
        var stepSize = Asgd.StepSize(scalars);
        var share = algorithm.Share(scalars.Step);
        _weightDecay = new(scalars.WeightDecay);
        _shrink = TLanes.Splat(1 - (algorithm.Lambda * stepSize));
        _stepSize = TLanes.Splat(-stepSize);
        _share = TLanes.Splat(share);
        _isLast = TLanes.Mask(share == 1);
    }

    public static int Slots { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static AsgdRule<TLanes> For(OptimizerAlgorithm algorithm, in UpdateScalars scalars) => new((Asgd)algorithm, scalars);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Update(TLanes p, TLanes g, ref TLanes mean, ref TLanes s1, ref TLanes s2)
    {
        g = _weightDecay.AddTo(g, p);
        p = _stepSize.MultiplyAdd(g, p * _shrink);
        mean = TLanes.Select(_isLast, p, _share.MultiplyAdd(p - mean, mean));
        return p;
    }
}
