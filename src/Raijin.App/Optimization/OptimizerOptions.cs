using System.ComponentModel.DataAnnotations;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// An optimizer chosen by configuration: <c>--optimizer adamW --optimizer.learningRate 3e-4</c>. A module whose constructor takes one has these keys; it hands them on in
/// <c>ConfigureOptimizers</c> with <see cref="For"/>.
/// </summary>
/// <remarks>An own optimizer is a derived record with a <see cref="ChoiceAttribute"/>.</remarks>
public abstract record OptimizerOptions
{
    /// <summary>The base learning rate.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight decay.</summary>
    [Range(0, double.PositiveInfinity)]
    public double WeightDecay { get; init; }

    /// <summary>Name patterns of parameters without weight decay.</summary>
    public IReadOnlyList<string> NoDecayOn { get; init; } = ["*.bias"];

    /// <summary>The setup for all parameters of <paramref name="module"/>.</summary>
    /// <param name="module">Whose parameters are updated.</param>
    /// <param name="schedule">The learning rate over the run; null for constant.</param>
    public OptimizerSetup For(Module module, ScheduleOptions? schedule = null)
    {
        var setup = Build(module);
        if (NoDecayOn.Count > 0) setup = setup.NoDecayOn([.. NoDecayOn]);
        return schedule is null ? setup : setup.With(schedule.Build());
    }

    /// <summary>The algorithm over the parameters of <paramref name="module"/>, with this rate and decay.</summary>
    protected abstract OptimizerSetup Build(Module module);
}

/// <summary>An optimizer with running means of the gradient and of its square.</summary>
public abstract record AdamFamilyOptions : OptimizerOptions
{
    /// <summary>Decay of the gradient's running mean.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>What keeps a division from zero.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Epsilon { get; init; } = 1e-8;
}

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
[Choice("adamW")]
public sealed record AdamWOptions : AdamFamilyOptions
{
    /// <summary>Options with the usual weight decay.</summary>
    public AdamWOptions() => WeightDecay = 0.01;

    /// <summary>Whether averages are corrected for the updates they have not seen yet.</summary>
    public bool BiasCorrection { get; init; } = true;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.AdamW(module, LearningRate, WeightDecay, Beta1, Beta2, Epsilon, BiasCorrection);
}

/// <summary>Adam with L2 regularisation (Kingma and Ba 2015).</summary>
[Choice("adam")]
public sealed record AdamOptions : AdamFamilyOptions
{
    /// <summary>Whether averages are corrected for the updates they have not seen yet.</summary>
    public bool BiasCorrection { get; init; } = true;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.Adam(module, LearningRate, Beta1, Beta2, Epsilon, WeightDecay, BiasCorrection);
}

/// <summary>Stochastic gradient descent.</summary>
[Choice("sgd")]
public sealed record SgdOptions : OptimizerOptions
{
    /// <summary>Options with a rate for gradients that are not normalised.</summary>
    public SgdOptions() => LearningRate = 1e-2;

    /// <summary>Momentum.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>The gradient enters the momentum less this share of it, but for the first time.</summary>
    public double Dampening { get; init; }

    /// <summary>Whether the momentum looks ahead (Nesterov); needs a momentum and no dampening.</summary>
    public bool Nesterov { get; init; }

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.Sgd(module, LearningRate, Momentum, Dampening, WeightDecay, Nesterov);
}

/// <summary>Lion: the sign of an interpolated momentum (Chen et al. 2023).</summary>
[Choice("lion")]
public sealed record LionOptions : OptimizerOptions
{
    /// <summary>Options with a rate for steps that are all signs.</summary>
    public LionOptions() => LearningRate = 1e-4;

    /// <summary>Share of the old momentum in the direction.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the momentum.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.99;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.Lion(module, LearningRate, WeightDecay, Beta1, Beta2);
}

/// <summary>Adagrad (Duchi et al. 2011).</summary>
[Choice("adagrad")]
public sealed record AdagradOptions : OptimizerOptions
{
    /// <summary>Options with a rate for sums of squares that only grow.</summary>
    public AdagradOptions() => LearningRate = 1e-2;

    /// <summary>What keeps a division from zero.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Epsilon { get; init; } = 1e-10;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.Adagrad(module, LearningRate, epsilon: Epsilon, weightDecay: WeightDecay);
}

/// <summary>RMSprop.</summary>
[Choice("rmsProp")]
public sealed record RmsPropOptions : OptimizerOptions
{
    /// <summary>Decay of the squared gradient's running mean.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Alpha { get; init; } = 0.99;

    /// <summary>Momentum.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Momentum { get; init; }

    /// <summary>What keeps a division from zero.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.RmsProp(module, LearningRate, Alpha, Epsilon, Momentum, weightDecay: WeightDecay);
}

/// <summary>LAMB: Adam's step at a length of the rate times the parameter's, for large batches (You et al. 2020).</summary>
[Choice("lamb")]
public sealed record LambOptions : AdamFamilyOptions
{
    /// <summary>Options with the paper's constant.</summary>
    public LambOptions() => Epsilon = 1e-6;

    /// <summary>Whether averages are corrected for the updates they have not seen yet.</summary>
    public bool BiasCorrection { get; init; } = true;

    /// <summary>The least scale of a parameter's step.</summary>
    [Range(0, double.PositiveInfinity)]
    public double LeastTrust { get; init; }

    /// <summary>The largest; null for no bound.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double? MostTrust { get; init; }

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.Lamb(module, LearningRate, WeightDecay, Beta1, Beta2, Epsilon, biasCorrection: BiasCorrection, leastTrust: LeastTrust, mostTrust: MostTrust);
}

/// <summary>1-bit Adam: one bit a value between ranks after some updates; stage 0 (Tang et al. 2021).</summary>
[Choice("oneBitAdam")]
public sealed record OneBitAdamOptions : AdamFamilyOptions
{
    /// <summary>Updates in full precision, before ranks send signs: some 15 % of the run.</summary>
    [Range(0, long.MaxValue)]
    public long FreezeSteps { get; init; } = 100_000;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.OneBitAdam(module, LearningRate, FreezeSteps, WeightDecay, Beta1, Beta2, Epsilon);
}

/// <summary>Muon for matrices, AdamW for the rest (Jordan et al. 2024).</summary>
[Choice("muon")]
public sealed record MuonOptions : OptimizerOptions
{
    /// <summary>Momentum.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Momentum { get; init; } = 0.95;

    /// <summary>Whether updates have the size of AdamW's, else that of the matrix's shape.</summary>
    public bool MatchAdamW { get; init; } = true;

    /// <inheritdoc/>
    protected override OptimizerSetup Build(Module module) => Optimizers.Muon(module, LearningRate, WeightDecay, Momentum, matchAdamW: MatchAdamW);
}
