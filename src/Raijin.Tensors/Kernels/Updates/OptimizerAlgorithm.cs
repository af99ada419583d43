using System.Diagnostics;
using System.Text.Json.Serialization;

namespace Raijin.Tensors;

/// <summary>
/// What an optimizer does to one parameter, with the formulas and defaults of <c>torch.optim</c>: an immutable record that JSON keeps by
/// its properties. Learning rate and weight decay belong to the <see cref="ParameterGroup"/>.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "algorithm")]
[JsonDerivedType(typeof(Sgd), "sgd")]
[JsonDerivedType(typeof(Adam), "adam")]
[JsonDerivedType(typeof(AdamW), "adamw")]
[JsonDerivedType(typeof(Lion), "lion")]
[JsonDerivedType(typeof(Adagrad), "adagrad")]
[JsonDerivedType(typeof(RmsProp), "rmsprop")]
[JsonDerivedType(typeof(NAdam), "nadam")]
[JsonDerivedType(typeof(RAdam), "radam")]
[JsonDerivedType(typeof(Adamax), "adamax")]
[JsonDerivedType(typeof(Adadelta), "adadelta")]
[JsonDerivedType(typeof(Rprop), "rprop")]
[JsonDerivedType(typeof(Asgd), "asgd")]
[JsonDerivedType(typeof(ScheduleFreeAdamW), "schedule-free-adamw")]
[JsonDerivedType(typeof(Lamb), "lamb")]
[JsonDerivedType(typeof(Lars), "lars")]
[JsonDerivedType(typeof(Adafactor), "adafactor")]
[JsonDerivedType(typeof(Muon), "muon")]
[JsonDerivedType(typeof(LbfgsOptions), "lbfgs")]
[JsonDerivedType(typeof(OneBitAdam), "onebit-adam")]
public abstract record OptimizerAlgorithm
{
    /// <summary>Ascend the objective: the gradient's sign is turned before anything else.</summary>
    /// <value>Default false.</value>
    public bool Maximize { get; init; }

    /// <summary>Names of the tensors kept per parameter, in fp32 (fp64 for fp64 parameters); where only some parameters have one, its algorithm says which.</summary>
    [JsonIgnore]
    public abstract IReadOnlyList<string> Slots { get; }

    /// <summary>The slots of one parameter.</summary>
    internal virtual IReadOnlyList<string> SlotsOf(string name, ReadOnlySpan<long> shape) => Slots;

    /// <summary>The shape of a slot.</summary>
    internal virtual long[] SlotShape(string slot, long[] shape) => shape;

    /// <summary>Names of the numbers kept per parameter, two at most.</summary>
    internal virtual IReadOnlyList<string> CarriedNames => [];

    /// <summary>Those numbers after the update that <paramref name="scalars"/> describe.</summary>
    internal virtual Carried Carry(in UpdateScalars scalars) => default;

    /// <summary>Whether a parameter is updated by libtorch's operators on every device, because its update multiplies or reduces matrices.</summary>
    internal virtual bool NeedsOperators(string name, ReadOnlySpan<long> shape) => false;

    /// <summary>Whether an update looks at a parameter as a whole (its norm, its rows and columns, its singular values), so that a piece of it can't be updated alone.</summary>
    [JsonIgnore]
    public virtual bool LooksAtWholeTensors => false;

    /// <summary>Where the weights to evaluate lie, seen from those that are trained: p + weight · (slot - p). Null: they are the trained ones.</summary>
    internal virtual (string Slot, double Weight)? Evaluation => null;

    /// <summary>Whether weight decay is part of the gradient, else the rule applies it in its own way.</summary>
    internal virtual bool AddsDecayToGradient => true;

    /// <summary>Weight of the gradients of earlier updates, which a schedule may cycle by <see cref="ParameterGroup.Momentum"/>: the momentum, β₁ of the Adam family; null where there is none.</summary>
    [JsonIgnore]
    public virtual double? CyclableMomentum => null;

    /// <summary>The same algorithm with another <see cref="CyclableMomentum"/>; called only where there is one.</summary>
    internal virtual OptimizerAlgorithm WithMomentum(double momentum) => throw new UnreachableException($"{GetType().Name} has no momentum to change.");

    /// <summary>The algorithm as a step has it: with the group's own momentum where that has one.</summary>
    /// <exception cref="InvalidOperationException">The group has a momentum, the algorithm none.</exception>
    internal OptimizerAlgorithm At(in UpdateScalars scalars) =>
        scalars.Momentum is not { } momentum ? this
        : CyclableMomentum is not null ? WithMomentum(momentum)
        : throw new InvalidOperationException($"A parameter group has the momentum {momentum}, but {GetType().Name} has none to set: make the optimizer with one, or leave ParameterGroup.Momentum null.");

    // As after all updates, where nothing is left to correct.
    private protected const long NoCorrection = long.MaxValue;

    /// <summary>What a slot holds before the first update.</summary>
    internal virtual float InitialValue(string slot) => 0;

    /// <summary>The kernel for 512-bit registers, or for 256-bit ones.</summary>
    internal abstract UpdateKernel CreateKernel(bool wide);

    /// <exception cref="ArgumentOutOfRangeException">A property is outside its range; the message names it.</exception>
    internal abstract void Validate();

    private protected static void RequireRate(double value, string name)
    {
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be in [0, 1).");
    }

    private protected static void RequirePositive(double value, string name)
    {
        if (!(value > 0 && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be finite and positive.");
    }

    private protected static void RequireNonNegative(double value, string name)
    {
        if (!(value >= 0 && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be finite and not negative.");
    }
}

/// <summary>Stochastic gradient descent.</summary>
/// <param name="Momentum">Weight of the momentum buffer, 0 for none. Default 0.</param>
/// <param name="Dampening">The gradient enters the buffer multiplied by 1 - this, except the first time. Default 0.</param>
/// <param name="Nesterov">Look ahead along the momentum; needs momentum and no dampening. Default false.</param>
public sealed record Sgd(double Momentum = 0, double Dampening = 0, bool Nesterov = false) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Momentum == 0 ? [] : ["momentum_buffer"];

    /// <inheritdoc/>
    public override double? CyclableMomentum => Momentum == 0 ? null : Momentum;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Momentum = momentum };

    // Minus zero is the neutral element of addition: the first buffer is the gradient, down to the sign of its zeros.
    internal override float InitialValue(string slot) => -0f;

    internal override UpdateKernel CreateKernel(bool wide) => (Momentum, Nesterov) switch
    {
        (0, _) => UpdateKernel.Make<SgdRule<Lanes512>, SgdRule<Lanes256>>(this, wide),
        (_, false) => UpdateKernel.Make<MomentumRule<Lanes512, No>, MomentumRule<Lanes256, No>>(this, wide),
        _ => UpdateKernel.Make<MomentumRule<Lanes512, Yes>, MomentumRule<Lanes256, Yes>>(this, wide),
    };

    internal override void Validate()
    {
        RequireNonNegative(Momentum, nameof(Momentum));
        if (Nesterov && (Momentum == 0 || Dampening != 0))
            throw new ArgumentOutOfRangeException(nameof(Nesterov), $"Nesterov needs momentum > 0 and dampening 0, not {Momentum} and {Dampening}.");
    }
}

/// <summary>Adam (Kingma and Ba 2015); weight decay is added to the gradient.</summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="AmsGrad">Divide by the largest squared average so far (Reddi et al. 2018). Default false.</param>
/// <param name="BiasCorrection">Divide both averages by what they lack of full weight in the first updates. Default true.</param>
public sealed record Adam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, bool AmsGrad = false, bool BiasCorrection = true) : OptimizerAlgorithm
{
    /// <summary>The update that averages are corrected as in.</summary>
    internal long CorrectedStep(long step) => BiasCorrection ? step : NoCorrection;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => AdamSlots(AmsGrad);

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    internal static IReadOnlyList<string> AdamSlots(bool amsGrad) =>
        amsGrad ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"];

    internal override UpdateKernel CreateKernel(bool wide) =>
        AmsGrad ? UpdateKernel.Make<AdamRule<Lanes512, Yes>, AdamRule<Lanes256, Yes>>(this, wide) : UpdateKernel.Make<AdamRule<Lanes512, No>, AdamRule<Lanes256, No>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
    }
}

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019): the parameter is multiplied by 1 - lr·decay.</summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="AmsGrad">Divide by the largest squared average so far. Default false.</param>
/// <param name="BiasCorrection">Divide both averages by what they lack of full weight in the first updates. Default true.</param>
public sealed record AdamW(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, bool AmsGrad = false, bool BiasCorrection = true) : OptimizerAlgorithm
{
    /// <summary>The update that averages are corrected as in.</summary>
    internal long CorrectedStep(long step) => BiasCorrection ? step : NoCorrection;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Adam.AdamSlots(AmsGrad);

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    internal override bool AddsDecayToGradient => false;

    internal override UpdateKernel CreateKernel(bool wide) =>
        AmsGrad ? UpdateKernel.Make<AdamWRule<Lanes512, Yes>, AdamWRule<Lanes256, Yes>>(this, wide) : UpdateKernel.Make<AdamWRule<Lanes512, No>, AdamWRule<Lanes256, No>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
    }
}

/// <summary>Lion (Chen et al. 2023): the sign of an interpolation between momentum and gradient; decoupled weight decay.</summary>
/// <param name="Beta1">Weight of the momentum in the direction, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the momentum, in [0, 1). Default 0.99.</param>
public sealed record Lion(double Beta1 = 0.9, double Beta2 = 0.99) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["exp_avg"];

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    internal override bool AddsDecayToGradient => false;

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<LionRule<Lanes512>, LionRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
    }
}

/// <summary>Adagrad (Duchi et al. 2011).</summary>
/// <param name="LearningRateDecay">Update number t uses lr / (1 + (t - 1)·decay). Default 0.</param>
/// <param name="InitialAccumulator">Where the sum of squares starts. Default 0.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-10.</param>
public sealed record Adagrad(double LearningRateDecay = 0, double InitialAccumulator = 0, double Epsilon = 1e-10) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["sum"];

    internal override float InitialValue(string slot) => (float)InitialAccumulator;

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<AdagradRule<Lanes512>, AdagradRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireNonNegative(LearningRateDecay, nameof(LearningRateDecay));
        RequireNonNegative(InitialAccumulator, nameof(InitialAccumulator));
        RequireNonNegative(Epsilon, nameof(Epsilon));
    }
}

/// <summary>RMSprop (Hinton's lecture 6e; centered: Graves 2013).</summary>
/// <param name="Alpha">Decay of the squared gradient's average, in [0, 1). Default 0.99.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="Momentum">Weight of the momentum buffer, 0 for none. Default 0.</param>
/// <param name="Centered">Divide by the standard deviation instead of the root mean square. Default false.</param>
public sealed record RmsProp(double Alpha = 0.99, double Epsilon = 1e-8, double Momentum = 0, bool Centered = false) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => (Momentum, Centered) switch
    {
        (0, false) => ["square_avg"],
        (_, false) => ["square_avg", "momentum_buffer"],
        (0, true) => ["square_avg", "grad_avg"],
        (_, true) => ["square_avg", "momentum_buffer", "grad_avg"],
    };

    /// <inheritdoc/>
    public override double? CyclableMomentum => Momentum == 0 ? null : Momentum;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Momentum = momentum };

    internal override UpdateKernel CreateKernel(bool wide) => (Momentum, Centered) switch
    {
        (0, false) => UpdateKernel.Make<RmsPropRule<Lanes512, No, No>, RmsPropRule<Lanes256, No, No>>(this, wide),
        (_, false) => UpdateKernel.Make<RmsPropRule<Lanes512, Yes, No>, RmsPropRule<Lanes256, Yes, No>>(this, wide),
        (0, true) => UpdateKernel.Make<RmsPropRule<Lanes512, No, Yes>, RmsPropRule<Lanes256, No, Yes>>(this, wide),
        (_, true) => UpdateKernel.Make<RmsPropRule<Lanes512, Yes, Yes>, RmsPropRule<Lanes256, Yes, Yes>>(this, wide),
    };

    internal override void Validate()
    {
        RequireRate(Alpha, nameof(Alpha));
        RequireNonNegative(Epsilon, nameof(Epsilon));
        RequireNonNegative(Momentum, nameof(Momentum));
    }
}
