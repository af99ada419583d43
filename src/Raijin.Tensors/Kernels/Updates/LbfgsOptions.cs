namespace Raijin.Tensors;

/// <summary>How <c>Lbfgs</c> runs; names the algorithm in its state.</summary>
/// <param name="MaxIterations">Iterations of one <c>Lbfgs.Step</c>, at least 1. Default 20.</param>
/// <param name="MaxEvaluations">Evaluations of the loss after which a step begins no further iteration; null: 5/4 of <paramref name="MaxIterations"/>. Default null.</param>
/// <param name="GradientTolerance">A step ends when no element of the gradient is larger. Default 1e-7.</param>
/// <param name="ChangeTolerance">A step ends when no parameter moved further, or the loss changed less. Default 1e-9.</param>
/// <param name="History">Pairs of steps and gradient changes kept, at least 1; each costs twice the parameters' memory. Default 100.</param>
/// <param name="StrongWolfe">Search along each direction for a point that satisfies the strong Wolfe conditions (c₁ = 1e-4, c₂ = 0.9), starting from the learning rate; else the learning rate is the step. Default false.</param>
public sealed record LbfgsOptions(
    int MaxIterations = 20, int? MaxEvaluations = null, double GradientTolerance = 1e-7, double ChangeTolerance = 1e-9, int History = 100, bool StrongWolfe = false) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override bool LooksAtWholeTensors => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => ["direction", "gradient"];

    internal override UpdateKernel CreateKernel(bool wide) =>
        throw new NotSupportedException("L-BFGS evaluates the loss several times a step: make an Lbfgs and give its Step the closure, instead of a FusedOptimizer.");

    internal override void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxIterations, 1);
        if (MaxEvaluations is { } evaluations) ArgumentOutOfRangeException.ThrowIfLessThan(evaluations, 1, nameof(MaxEvaluations));
        RequireNonNegative(GradientTolerance, nameof(GradientTolerance));
        RequireNonNegative(ChangeTolerance, nameof(ChangeTolerance));
        ArgumentOutOfRangeException.ThrowIfLessThan(History, 1);
        if (Maximize) throw new ArgumentOutOfRangeException(nameof(Maximize), "L-BFGS only minimises: return the negative objective.");
    }
}
