namespace Raijin.Tensors;

/// <summary>Adam with Nesterov momentum (Dozat 2016); weight decay is added to the gradient.</summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="MomentumDecay">ψ in the momentum of update t, μₜ = β₁(1 - ½·0.96^(tψ)). Default 4e-3.</param>
public sealed record NAdam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double MomentumDecay = 4e-3) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Adam.AdamSlots(false);

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    internal override IReadOnlyList<string> CarriedNames => ["mu_product"];

    internal override Carried Carry(in UpdateScalars scalars) => new(MomentumProduct(scalars));

    internal double MomentumAt(long step) => Beta1 * (1 - (0.5 * Math.Pow(0.96, step * MomentumDecay)));

    internal double MomentumProduct(in UpdateScalars scalars) => (scalars.Step == 1 ? 1 : scalars.Carried.First) * MomentumAt(scalars.Step);

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<NAdamRule<Lanes512>, NAdamRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
        RequireNonNegative(MomentumDecay, nameof(MomentumDecay));
    }
}

/// <summary>Adam whose first steps are momentum alone until the variance of its denominator is bounded, and rectified after (Liu et al. 2020, arXiv:1908.03265); weight decay is added to the gradient.</summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
public sealed record RAdam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Adam.AdamSlots(false);

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    /// <summary>The paper's rₜ; null while the variance is intractable (ρₜ ≤ 5).</summary>
    internal double? Rectification(long step)
    {
        var limit = (2 / (1 - Beta2)) - 1;
        var decayed = Math.Pow(Beta2, step);
        var length = limit - (2 * step * decayed / (1 - decayed));
        return length > 5 ? Math.Sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) : null;
    }

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<RAdamRule<Lanes512>, RAdamRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
    }
}

/// <summary>Adam with the infinity norm in place of the second moment (Kingma and Ba 2015, §7.1); weight decay is added to the gradient.</summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the norm, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the gradient's magnitude. Default 1e-8.</param>
public sealed record Adamax(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["exp_avg", "exp_inf"];

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<AdamaxRule<Lanes512>, AdamaxRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
    }
}

/// <summary>
/// AdamW without a schedule (Defazio et al. 2024, arXiv:2405.15682): gradients are taken at an interpolation y of the base iterate z and the weighted mean x of
/// all z, and x is what is evaluated. The module holds y while it trains: <c>FusedOptimizer.UseEvaluationWeights</c> puts x in.
/// A warm-up is the only schedule that makes sense with it.
/// </summary>
/// <param name="Beta1">How far y lies from z towards x, in (0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="StepPower">Update t enters x with weight tʳ · (largest lr so far)ᵏ: r. Default 0.</param>
/// <param name="RatePower">k. Default 2.</param>
public sealed record ScheduleFreeAdamW(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double StepPower = 0, double RatePower = 2) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["z", "exp_avg_sq"];

    internal override IReadOnlyList<string> CarriedNames => ["weight_sum", "lr_max"];

    internal override (string Slot, double Weight)? Evaluation => ("z", 1 - (1 / Beta1));

    internal override bool AddsDecayToGradient => false;

    internal override Carried Carry(in UpdateScalars scalars)
    {
        var largest = Math.Max(scalars.Carried.Second, scalars.LearningRate);
        return new(scalars.Carried.First + Weight(scalars.Step, largest), largest);
    }

    /// <summary>The share of the new z in the new x.</summary>
    internal double Share(in UpdateScalars scalars)
    {
        var (sum, largest) = Carry(scalars);
        return sum > 0 ? Weight(scalars.Step, largest) / sum : 0;
    }

    double Weight(long step, double largestRate) => Math.Pow(step, StepPower) * Math.Pow(largestRate, RatePower);

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<ScheduleFreeRule<Lanes512>, ScheduleFreeRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequirePositive(Beta1, nameof(Beta1));
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
        RequireNonNegative(StepPower, nameof(StepPower));
        RequireNonNegative(RatePower, nameof(RatePower));
    }
}
