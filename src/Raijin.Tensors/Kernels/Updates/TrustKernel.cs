using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

// Two passes over a tensor: the first advances the state and measures ‖p‖ and ‖direction‖, the second takes the step that both decide. Nothing is kept between
// them but the state. The sums are those of GradientSquares over pieces that start where the range does: the same bits for any register width.

/// <summary>The arithmetic of a layerwise optimizer.</summary>
interface ITrustRule<TSelf, TLanes>
    where TSelf : struct, ITrustRule<TSelf, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>How many of the first two state registers the rule has.</summary>
    static abstract int Slots { get; }

    /// <summary>Whether <see cref="Direction"/> reads and writes the state.</summary>
    static abstract bool DirectionAdvances { get; }

    /// <summary>Whether <see cref="Update"/> writes the state.</summary>
    static abstract bool UpdateAdvances { get; }

    static abstract TSelf For(OptimizerAlgorithm algorithm, in UpdateScalars scalars);

    /// <summary>What is measured beside the parameter.</summary>
    TLanes Direction(TLanes p, TLanes g, ref TLanes s0, ref TLanes s1);

    /// <summary>The parameter after the update, with <see cref="UpdateScalars.Trust"/> known.</summary>
    TLanes Update(TLanes p, TLanes g, ref TLanes s0, ref TLanes s1);
}

/// <summary>Σp² and Σd² over the parameter and the direction.</summary>
readonly record struct TrustSquares(double Weights, double Direction)
{
    public static TrustSquares operator +(TrustSquares left, TrustSquares right) => new(left.Weights + right.Weights, left.Direction + right.Direction);
}

/// <summary>An update kernel with a measuring pass before it.</summary>
abstract unsafe class TrustKernel : UpdateKernel
{
    /// <summary>The measuring pass over a range.</summary>
    public abstract TrustSquares Measure(in KernelTensor tensor, nint start, nint count);

    /// <summary>The kernel of a rule for one of the two register widths.</summary>
    public static new TrustKernel Make<TWide, TNarrow>(OptimizerAlgorithm algorithm, bool wide)
        where TWide : struct, ITrustRule<TWide, Lanes512>
        where TNarrow : struct, ITrustRule<TNarrow, Lanes256> =>
        wide ? new TrustKernel<TWide, Lanes512>(algorithm) : new TrustKernel<TNarrow, Lanes256>(algorithm);
}

sealed unsafe class TrustKernel<TRule, TLanes>(OptimizerAlgorithm algorithm) : TrustKernel
    where TRule : struct, ITrustRule<TRule, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    const int Piece = 1024;

    TRule[] _rules = new TRule[1];

    public override int Slots => TRule.Slots;

    public override void Prepare(int index, in UpdateScalars scalars)
    {
        if (index == _rules.Length)
            Array.Resize(ref _rules, 2 * index);
        _rules[index] = TRule.For(algorithm.At(scalars), scalars);
    }

    public override TrustSquares Measure(in KernelTensor tensor, nint start, nint count) => tensor.Rounded == null
        ? tensor.GradientIsBFloat16 ? Measure<Float32Weights, BFloat16Gradient>(tensor, start, count) : Measure<Float32Weights, Float32Gradient>(tensor, start, count)
        : tensor.GradientIsBFloat16 ? Measure<MasterWeights, BFloat16Gradient>(tensor, start, count) : Measure<MasterWeights, Float32Gradient>(tensor, start, count);

    public override void Run(in KernelTensor tensor, nint start, nint count)
    {
        if (tensor.Rounded == null)
        {
            if (tensor.GradientIsBFloat16)
                Run<Float32Weights, BFloat16Gradient>(tensor, start, count);
            else
                Run<Float32Weights, Float32Gradient>(tensor, start, count);
        }
        else if (tensor.GradientIsBFloat16)
            Run<MasterWeights, BFloat16Gradient>(tensor, start, count);
        else
            Run<MasterWeights, Float32Gradient>(tensor, start, count);
    }

    TrustSquares Measure<TWeights, TGradient>(in KernelTensor tensor, nint start, nint count)
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var weights = stackalloc float[Piece];
        var directions = stackalloc float[Piece];
        var squares = default(TrustSquares);
        for (nint done = 0; done < count; done += Piece)
        {
            var length = (int)Math.Min(Piece, count - done);
            var rest = length % TLanes.Count;
            MeasureBlocks<TWeights, TGradient>(tensor, start + done, length - rest, weights, directions);
            if (rest > 0) MeasureRest<TWeights, TGradient>(tensor, start + done + length - rest, rest, weights + length - rest, directions + length - rest);
            squares += new TrustSquares(GradientSquares.Sum(weights, length), GradientSquares.Sum(directions, length));
        }

        return squares;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void MeasureBlocks<TWeights, TGradient>(in KernelTensor tensor, nint start, nint count, float* weights, float* directions)
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var rule = _rules[tensor.Coefficients];
        var scale = TLanes.Splat(GradientScale);
        var bound = TLanes.Splat(GradientBound);
        var (from, rounded, gradient) = ((nint)tensor.Weights, (nint)tensor.Rounded, (nint)tensor.Gradient);
        var slot0 = tensor.S0;
        var slot1 = tensor.S1;
        for (nint i = 0; i < count; i += TLanes.Count)
        {
            var at = start + i;
            var g = (TGradient.Load<TLanes>((void*)gradient, at) * scale).Clamp(bound);
            var p = TWeights.Load<TLanes>((float*)from, (ushort*)rounded, at);
            var s0 = TRule.DirectionAdvances && TRule.Slots > 0 ? TLanes.Load(slot0 + at) : default;
            var s1 = TRule.DirectionAdvances && TRule.Slots > 1 ? TLanes.Load(slot1 + at) : default;
            rule.Direction(p, g, ref s0, ref s1).Store(directions + i);
            p.Store(weights + i);
            if (TRule.DirectionAdvances && TRule.Slots > 0) s0.Store(slot0 + at);
            if (TRule.DirectionAdvances && TRule.Slots > 1) s1.Store(slot1 + at);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void MeasureRest<TWeights, TGradient>(in KernelTensor tensor, nint at, int count, float* weights, float* directions)
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var g = (TGradient.Load<TLanes>(tensor.Gradient, at, count) * TLanes.Splat(GradientScale)).Clamp(TLanes.Splat(GradientBound));
        var p = TWeights.Load<TLanes>(tensor.Weights, tensor.Rounded, at, count);
        var s0 = TRule.DirectionAdvances && TRule.Slots > 0 ? TLanes.Load(tensor.S0 + at, count) : default;
        var s1 = TRule.DirectionAdvances && TRule.Slots > 1 ? TLanes.Load(tensor.S1 + at, count) : default;
        _rules[tensor.Coefficients].Direction(p, g, ref s0, ref s1).Store(directions, count);
        p.Store(weights, count);
        if (TRule.DirectionAdvances && TRule.Slots > 0) s0.Store(tensor.S0 + at, count);
        if (TRule.DirectionAdvances && TRule.Slots > 1) s1.Store(tensor.S1 + at, count);
    }

    void Run<TWeights, TGradient>(in KernelTensor tensor, nint start, nint count)
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var rest = count % TLanes.Count;
        var end = start + count - rest;
        Blocks<TWeights, TGradient>(tensor, start, end);
        if (rest > 0) Rest<TWeights, TGradient>(tensor, end, (int)rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Blocks<TWeights, TGradient>(in KernelTensor tensor, nint start, nint end)
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var rule = _rules[tensor.Coefficients];
        var scale = TLanes.Splat(GradientScale);
        var bound = TLanes.Splat(GradientBound);
        var weights = tensor.Weights;
        var rounded = tensor.Rounded;
        var gradient = tensor.Gradient;
        var slot0 = tensor.S0;
        var slot1 = tensor.S1;
        for (var i = start; i < end; i += TLanes.Count)
        {
            var g = (TGradient.Load<TLanes>(gradient, i) * scale).Clamp(bound);
            var p = TWeights.Load<TLanes>(weights, rounded, i);
            var s0 = TRule.Slots > 0 ? TLanes.Load(slot0 + i) : default;
            var s1 = TRule.Slots > 1 ? TLanes.Load(slot1 + i) : default;
            TWeights.Store(weights, rounded, i, rule.Update(p, g, ref s0, ref s1));
            if (TRule.UpdateAdvances && TRule.Slots > 0) s0.Store(slot0 + i);
            if (TRule.UpdateAdvances && TRule.Slots > 1) s1.Store(slot1 + i);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Rest<TWeights, TGradient>(in KernelTensor tensor, nint i, int count)
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var g = (TGradient.Load<TLanes>(tensor.Gradient, i, count) * TLanes.Splat(GradientScale)).Clamp(TLanes.Splat(GradientBound));
        var p = TWeights.Load<TLanes>(tensor.Weights, tensor.Rounded, i, count);
        var s0 = TRule.Slots > 0 ? TLanes.Load(tensor.S0 + i, count) : default;
        var s1 = TRule.Slots > 1 ? TLanes.Load(tensor.S1 + i, count) : default;
        TWeights.Store(tensor.Weights, tensor.Rounded, i, count, _rules[tensor.Coefficients].Update(p, g, ref s0, ref s1));
        if (TRule.UpdateAdvances && TRule.Slots > 0) s0.Store(tensor.S0 + i, count);
        if (TRule.UpdateAdvances && TRule.Slots > 1) s1.Store(tensor.S1 + i, count);
    }
}
