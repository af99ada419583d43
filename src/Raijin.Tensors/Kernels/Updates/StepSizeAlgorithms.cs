namespace Raijin.Tensors;

/// <summary>Adadelta (Zeiler 2012, arXiv:1212.5701): steps in units of the parameter; weight decay is added to the gradient.</summary>
/// <param name="Rho">Decay of both averages, in [0, 1). Default 0.9.</param>
/// <param name="Epsilon">Added inside both roots. Default 1e-6.</param>
public sealed record Adadelta(double Rho = 0.9, double Epsilon = 1e-6) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["square_avg", "acc_delta"];

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<AdadeltaRule<Lanes512>, AdadeltaRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireRate(Rho, nameof(Rho));
        RequireNonNegative(Epsilon, nameof(Epsilon));
    }
}

/// <summary>
/// Resilient backpropagation (Riedmiller and Braun 1993), for full batches: a step size per element that grows while the gradient keeps its sign. The learning rate is where
/// the step sizes start; weight decay is added to the gradient.
/// </summary>
/// <param name="Shrink">Factor on a step size when the gradient's sign turned, in (0, 1). Default 0.5.</param>
/// <param name="Grow">Factor when it stayed, above 1. Default 1.2.</param>
/// <param name="SmallestStep">Least step size. Default 1e-6.</param>
/// <param name="LargestStep">Greatest step size. Default 50.</param>
public sealed record Rprop(double Shrink = 0.5, double Grow = 1.2, double SmallestStep = 1e-6, double LargestStep = 50) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["prev", "step_size"];

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<RpropRule<Lanes512>, RpropRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequirePositive(SmallestStep, nameof(SmallestStep));
        if (!(Shrink > 0 && Shrink < 1)) throw new ArgumentOutOfRangeException(nameof(Shrink), Shrink, "Shrink must be in (0, 1).");
        if (!(Grow > 1 && double.IsFinite(Grow))) throw new ArgumentOutOfRangeException(nameof(Grow), Grow, "Grow must be finite and above 1.");
        if (!(LargestStep >= SmallestStep)) throw new ArgumentOutOfRangeException(nameof(LargestStep), LargestStep, $"LargestStep must be at least SmallestStep ({SmallestStep}).");
    }
}

/// <summary>
/// Averaged stochastic gradient descent (Polyak and Juditsky 1992): the step size falls with the number of updates, and the mean of the iterates is what
/// <c>FusedOptimizer.UseEvaluationWeights</c> puts in. Weight decay is added to the gradient.
/// </summary>
/// <param name="Lambda">λ in ηₜ = lr / (1 + λ·lr·t)^α, and a decay of its own. Default 1e-4.</param>
/// <param name="Alpha">α. Default 0.75.</param>
/// <param name="AverageFrom">Updates before averaging begins; until then the mean is the last iterate. Default 1e6.</param>
public sealed record Asgd(double Lambda = 1e-4, double Alpha = 0.75, double AverageFrom = 1e6) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["ax"];

    internal override IReadOnlyList<string> CarriedNames => ["eta"];

    internal override (string Slot, double Weight)? Evaluation => ("ax", 1);

    internal override Carried Carry(in UpdateScalars scalars) =>
        new(scalars.LearningRate / Math.Pow(1 + (Lambda * scalars.LearningRate * scalars.Step), Alpha));

    internal static double StepSize(in UpdateScalars scalars) => scalars.Step == 1 ? scalars.LearningRate : scalars.Carried.First;

    internal double Share(long step) => 1 / Math.Max(1, step - 1 - AverageFrom);

    internal override UpdateKernel CreateKernel(bool wide) => UpdateKernel.Make<AsgdRule<Lanes512>, AsgdRule<Lanes256>>(this, wide);

    internal override void Validate()
    {
        RequireNonNegative(Lambda, nameof(Lambda));
        RequireNonNegative(Alpha, nameof(Alpha));
        RequireNonNegative(AverageFrom, nameof(AverageFrom));
    }
}
