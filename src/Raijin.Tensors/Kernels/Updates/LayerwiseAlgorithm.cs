namespace Raijin.Tensors;

/// <summary>An algorithm whose step is scaled per tensor, by norms of the whole tensor.</summary>
public abstract record LayerwiseAlgorithm : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override bool LooksAtWholeTensors => true;

    /// <summary>The factor on the step of one tensor.</summary>
    /// <param name="scalars">The step.</param>
    /// <param name="weights">‖p‖ before the update.</param>
    /// <param name="direction">The norm of what the rule calls its direction.</param>
    /// <param name="count">Elements.</param>
    internal abstract double Trust(in UpdateScalars scalars, double weights, double direction, long count);
}

/// <summary>
/// Layerwise adaptive moments, for large batches (You et al. 2020, arXiv:1904.00962, algorithm 2): Adam's step plus decoupled weight decay, scaled per tensor so that its norm is lr times
/// the norm of the parameter.
/// </summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-6.</param>
/// <param name="ScaleUndecayed">Scale tensors of groups without weight decay (biases, norms) too, as the paper does; else they get Adam's step. Default true.</param>
/// <param name="BiasCorrection">Divide both averages by what they lack of full weight in the first updates. Default true.</param>
/// <param name="LeastTrust">The scale is no smaller than this. Default 0.</param>
/// <param name="MostTrust">And no larger. Default null: unbounded, as in the paper.</param>
public sealed record Lamb(
    double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-6, bool ScaleUndecayed = true, bool BiasCorrection = true, double LeastTrust = 0, double? MostTrust = null) : LayerwiseAlgorithm
{
    /// <summary>The update that averages are corrected as in.</summary>
    internal long CorrectedStep(long step) => BiasCorrection ? step : NoCorrection;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Adam.AdamSlots(false);

    /// <inheritdoc/>
    public override double? CyclableMomentum => Beta1;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Beta1 = momentum };

    internal override bool AddsDecayToGradient => false;

    internal override double Trust(in UpdateScalars scalars, double weights, double direction, long count) =>
        weights > 0 && direction > 0 && (ScaleUndecayed || scalars.WeightDecay != 0) ? Math.Clamp(weights / direction, LeastTrust, MostTrust ?? double.PositiveInfinity) : 1;

    internal override UpdateKernel CreateKernel(bool wide) => TrustKernel.Make<LambRule<Lanes512>, LambRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
        RequireNonNegative(LeastTrust, nameof(LeastTrust));
        if (MostTrust < LeastTrust || MostTrust is 0 or double.NaN) throw new ArgumentOutOfRangeException(nameof(MostTrust), MostTrust, $"{nameof(MostTrust)} must be positive and at least {nameof(LeastTrust)} = {LeastTrust}.");
    }
}

/// <summary>
/// Layerwise adaptive rate scaling, for large batches (You et al. 2017, arXiv:1708.03888, algorithm 1): momentum of gradients scaled per tensor by
/// η‖p‖/(‖g‖ + λ‖p‖). The buffer holds steps: the learning rate is inside.
/// </summary>
/// <param name="Momentum">Decay of the buffer, in [0, 1). Default 0.9.</param>
/// <param name="TrustCoefficient">η. Default 1e-3.</param>
/// <param name="ScaleUndecayed">Scale tensors of groups without weight decay (biases, norms) too, as the paper does; else they get plain momentum. Default true.</param>
public sealed record Lars(double Momentum = 0.9, double TrustCoefficient = 1e-3, bool ScaleUndecayed = true) : LayerwiseAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["momentum_buffer"];

    /// <inheritdoc/>
    public override double? CyclableMomentum => Momentum == 0 ? null : Momentum;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Momentum = momentum };

    internal override bool AddsDecayToGradient => false;

    internal override double Trust(in UpdateScalars scalars, double weights, double direction, long count) =>
        weights > 0 && direction > 0 && (ScaleUndecayed || scalars.WeightDecay != 0) ? TrustCoefficient * weights / (direction + (scalars.WeightDecay * weights)) : 1;

    internal override UpdateKernel CreateKernel(bool wide) => TrustKernel.Make<LarsRule<Lanes512>, LarsRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Momentum, nameof(Momentum));
        RequirePositive(TrustCoefficient, nameof(TrustCoefficient));
    }
}

/// <summary>
/// Adafactor (Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4 to 6): for tensors of two dims or more the second moment is kept as the means over the rows and the columns of the last
/// two, updates are clipped by their root mean square, and steps are relative to the parameter's. Slots <c>row</c> and <c>column</c>, or <c>exp_avg_sq</c> for fewer dims. Decoupled weight decay.
/// </summary>
/// <param name="DecayExponent">c in β₂ = 1 - t^-c. Default 0.8.</param>
/// <param name="SquareEpsilon">ε₁, added to the squared gradient. Default 1e-30.</param>
/// <param name="SmallestScale">ε₂, the least scale of a parameter. Default 1e-3.</param>
/// <param name="ClipThreshold">d, the largest root mean square of an update before the learning rate. Default 1.</param>
/// <param name="RelativeStep">The step is at most 1/√t, with the group's learning rate (1e-2 in the paper) as its upper bound; else it is the learning rate. Default true.</param>
/// <param name="ScaleByParameter">Multiply the step by the parameter's root mean square. Default true.</param>
public sealed record Adafactor(
    double DecayExponent = 0.8, double SquareEpsilon = 1e-30, double SmallestScale = 1e-3, double ClipThreshold = 1, bool RelativeStep = true, bool ScaleByParameter = true) : LayerwiseAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["row", "column", "exp_avg_sq"];

    internal override bool AddsDecayToGradient => false;

    internal override IReadOnlyList<string> SlotsOf(string name, ReadOnlySpan<long> shape) => shape.Length < 2 ? ["exp_avg_sq"] : ["row", "column"];

    internal override long[] SlotShape(string slot, long[] shape) => slot switch
    {
        "row" => [.. shape[..^1], 1],
        "column" => [.. shape[..^2], 1, shape[^1]],
        _ => shape,
    };

    internal override bool NeedsOperators(string name, ReadOnlySpan<long> shape) => shape.Length >= 2;

    /// <summary>1 - β₂ of an update.</summary>
    internal double SquareWeight(long step) => Math.Pow(step, -DecayExponent);

    // The direction is the unclipped update.
    internal override double Trust(in UpdateScalars scalars, double weights, double direction, long count)
    {
        var root = Math.Sqrt(count);
        var rate = RelativeStep ? Math.Min(scalars.LearningRate, 1 / Math.Sqrt(scalars.Step)) : scalars.LearningRate;
        var scale = ScaleByParameter ? Math.Max(SmallestScale, weights / root) : 1;
        return scale * rate / Math.Max(1, direction / root / ClipThreshold);
    }

    internal override UpdateKernel CreateKernel(bool wide) => TrustKernel.Make<AdafactorRule<Lanes512>, AdafactorRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequirePositive(DecayExponent, nameof(DecayExponent));
        RequireNonNegative(SquareEpsilon, nameof(SquareEpsilon));
        RequireNonNegative(SmallestScale, nameof(SmallestScale));
        RequirePositive(ClipThreshold, nameof(ClipThreshold));
    }
}
