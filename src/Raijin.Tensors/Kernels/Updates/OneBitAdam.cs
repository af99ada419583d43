namespace Raijin.Tensors;

/// <summary>
/// 1-bit Adam (Tang et al. 2021, arXiv:2102.02888): Adam at first; then the second moment stands still, and ranks exchange the signs of their momenta in place of gradients. No bias correction, so
/// that nothing jumps at the change; decoupled weight decay.
/// </summary>
/// <param name="Beta1">Decay of the gradient's average, in [0, 1). Default 0.9.</param>
/// <param name="Beta2">Decay of the squared gradient's average, in [0, 1). Default 0.999.</param>
/// <param name="Epsilon">Added to the root in the denominator. Default 1e-8.</param>
/// <param name="FreezeStep">Updates with gradients of full precision before the second moment stands still: some 15 % of the run. Default 100,000, as DeepSpeed's <c>freeze_step</c>.</param>
public sealed record OneBitAdam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, long FreezeStep = 100_000) : OptimizerAlgorithm
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Slots => Adam.AdamSlots(false);

    internal override bool AddsDecayToGradient => false;

    internal override UpdateKernel CreateKernel(bool wide) =>
        throw new NotSupportedException("1-bit Adam exchanges momenta among ranks: train with a strategy of stage 0 on more than one rank, or use Adam.");

    internal override void Validate()
    {
        RequireRate(Beta1, nameof(Beta1));
        RequireRate(Beta2, nameof(Beta2));
        RequireNonNegative(Epsilon, nameof(Epsilon));
        ArgumentOutOfRangeException.ThrowIfNegative(FreezeStep);
    }
}
