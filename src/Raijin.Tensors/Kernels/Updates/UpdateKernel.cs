using System.Runtime.CompilerServices;

namespace Raijin.Tensors;

/// <summary>What a rule is told about the step: hyper-parameters of the group, and which update of its parameter this is (the first is 1).</summary>
readonly record struct UpdateScalars(double LearningRate, double WeightDecay, long Step, double? Momentum = null)
{
    /// <summary>What the update before left behind.</summary>
    public Carried Carried { get; init; }

    /// <summary>What layerwise algorithms multiply the step by, from the norms of the whole tensor.</summary>
    public double Trust { get; init; } = 1;
}

/// <summary>Up to two numbers that an algorithm carries from one update of a parameter to the next (<see cref="OptimizerAlgorithm.CarriedNames"/>); zeros before the first.</summary>
readonly record struct Carried(double First, double Second = 0)
{
    public double this[int index] => index == 0 ? First : Second;
}

/// <summary>The arithmetic of one optimizer, on one register's worth of elements; its fields are the coefficients of one step.</summary>
interface IUpdateRule<TSelf, TLanes>
    where TSelf : struct, IUpdateRule<TSelf, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>How many of the three state registers the rule reads and writes.</summary>
    static abstract int Slots { get; }

    static abstract TSelf For(OptimizerAlgorithm algorithm, in UpdateScalars scalars);

    /// <summary>The parameter after the update by gradient <paramref name="g"/>; the state advances in place.</summary>
    TLanes Update(TLanes p, TLanes g, ref TLanes s0, ref TLanes s1, ref TLanes s2);
}

/// <summary>One parameter as a kernel sees it: contiguous host memory.</summary>
unsafe struct KernelTensor
{
    /// <summary>fp32: the parameter itself, or its master where the parameter is bf16.</summary>
    public float* Weights;

    /// <summary>The bf16 parameter; null where the parameter is fp32.</summary>
    public ushort* Rounded;

    /// <summary>fp32 or bf16.</summary>
    public void* Gradient;

    public float* S0;
    public float* S1;
    public float* S2;

    public bool GradientIsBFloat16;

    /// <summary>Which coefficients apply (<see cref="UpdateKernel.Prepare"/>).</summary>
    public int Coefficients;
}

/// <summary>Updates a range of one tensor. Any number of threads may run it at once on ranges that do not overlap.</summary>
abstract unsafe class UpdateKernel
{
    /// <summary>What each gradient element is multiplied by, before <see cref="GradientBound"/>.</summary>
    public float GradientScale { get; set; } = 1;

    /// <summary>Gradient elements are clamped to ± this after scaling.</summary>
    public float GradientBound { get; set; } = float.PositiveInfinity;

    public abstract int Slots { get; }

    /// <summary>Computes the coefficients number <paramref name="index"/>, which grow by one at most.</summary>
    public abstract void Prepare(int index, in UpdateScalars scalars);

    public abstract void Run(in KernelTensor tensor, nint start, nint count);

    /// <summary>The kernel of a rule for one of the two register widths.</summary>
    public static UpdateKernel Make<TWide, TNarrow>(OptimizerAlgorithm algorithm, bool wide)
        where TWide : struct, IUpdateRule<TWide, Lanes512>
        where TNarrow : struct, IUpdateRule<TNarrow, Lanes256> =>
        wide ? new UpdateKernel<TWide, Lanes512>(algorithm) : new UpdateKernel<TNarrow, Lanes256>(algorithm);
}

// Every type argument is a struct: the compiler makes a method of its own for each combination and inlines it whole.
sealed unsafe class UpdateKernel<TRule, TLanes>(OptimizerAlgorithm algorithm) : UpdateKernel
    where TRule : struct, IUpdateRule<TRule, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    TRule[] _rules = new TRule[1];

    public override int Slots => TRule.Slots;

    public override void Prepare(int index, in UpdateScalars scalars)
    {
        if (index == _rules.Length)
            Array.Resize(ref _rules, 2 * index);
        _rules[index] = TRule.For(algorithm.At(scalars), scalars);
    }

    public override void Run(in KernelTensor tensor, nint start, nint count)
    {
        if (GradientBound < float.PositiveInfinity)
            Run<Yes>(tensor, start, count);
        else
            Run<No>(tensor, start, count);
    }

    void Run<TClamp>(in KernelTensor tensor, nint start, nint count)
        where TClamp : IFlag
    {
        if (tensor.Rounded == null)
        {
            if (tensor.GradientIsBFloat16)
                Run<TClamp, Float32Weights, BFloat16Gradient>(tensor, start, count);
            else
                Run<TClamp, Float32Weights, Float32Gradient>(tensor, start, count);
        }
        else if (tensor.GradientIsBFloat16)
            Run<TClamp, MasterWeights, BFloat16Gradient>(tensor, start, count);
        else
            Run<TClamp, MasterWeights, Float32Gradient>(tensor, start, count);
    }

    void Run<TClamp, TWeights, TGradient>(in KernelTensor tensor, nint start, nint count)
        where TClamp : IFlag
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var rest = count % TLanes.Count;
        var end = start + count - rest;
        Blocks<TClamp, TWeights, TGradient>(tensor, start, end);
        if (rest > 0) Rest<TClamp, TWeights, TGradient>(tensor, end, (int)rest);
    }

    // Compiled at its best from the first call: the loop runs long before the usual thirty calls are over.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Blocks<TClamp, TWeights, TGradient>(in KernelTensor tensor, nint start, nint end)
        where TClamp : IFlag
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
        var slot2 = tensor.S2;
        for (var i = start; i < end; i += TLanes.Count)
        {
            var g = TGradient.Load<TLanes>(gradient, i) * scale;
            if (TClamp.On) g = g.Clamp(bound);
            var p = TWeights.Load<TLanes>(weights, rounded, i);
            var s0 = TRule.Slots > 0 ? TLanes.Load(slot0 + i) : default;
            var s1 = TRule.Slots > 1 ? TLanes.Load(slot1 + i) : default;
            var s2 = TRule.Slots > 2 ? TLanes.Load(slot2 + i) : default;
            p = rule.Update(p, g, ref s0, ref s1, ref s2);
            TWeights.Store(weights, rounded, i, p);
            if (TRule.Slots > 0) s0.Store(slot0 + i);
            if (TRule.Slots > 1) s1.Store(slot1 + i);
            if (TRule.Slots > 2) s2.Store(slot2 + i);
        }
    }

    /// <summary>The last, partial register: the same arithmetic on as many lanes as are left.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    void Rest<TClamp, TWeights, TGradient>(in KernelTensor tensor, nint i, int count)
        where TClamp : IFlag
        where TWeights : IWeights
        where TGradient : IGradient
    {
        var g = TGradient.Load<TLanes>(tensor.Gradient, i, count) * TLanes.Splat(GradientScale);
        if (TClamp.On) g = g.Clamp(TLanes.Splat(GradientBound));
        var p = TWeights.Load<TLanes>(tensor.Weights, tensor.Rounded, i, count);
        var s0 = TRule.Slots > 0 ? TLanes.Load(tensor.S0 + i, count) : default;
        var s1 = TRule.Slots > 1 ? TLanes.Load(tensor.S1 + i, count) : default;
        var s2 = TRule.Slots > 2 ? TLanes.Load(tensor.S2 + i, count) : default;
        p = _rules[tensor.Coefficients].Update(p, g, ref s0, ref s1, ref s2);
        TWeights.Store(tensor.Weights, tensor.Rounded, i, count, p);
        if (TRule.Slots > 0) s0.Store(tensor.S0 + i, count);
        if (TRule.Slots > 1) s1.Store(tensor.S1 + i, count);
        if (TRule.Slots > 2) s2.Store(tensor.S2 + i, count);
    }
}
