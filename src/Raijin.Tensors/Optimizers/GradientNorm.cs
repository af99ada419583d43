namespace Raijin.Tensors;

/// <summary>What <see cref="FusedOptimizer.MeasureGradients"/> found.</summary>
/// <param name="Norm">√Σg² over every element of every gradient, summed in double in a fixed order; NaN or infinite when some element is.</param>
/// <param name="NumParameters">Parameters that have a gradient.</param>
public readonly record struct GradientNorm(double Norm, int NumParameters)
{
    /// <summary>Whether every gradient element is finite.</summary>
    public bool IsFinite => double.IsFinite(Norm);

    /// <summary>
    /// The factor that brings a norm of <see cref="Norm"/> × <paramref name="gradientScale"/> down to <paramref name="maxNorm"/>, at most 1, as
    /// <c>clip_grad_norm_</c> computes it: maxNorm / (norm + 1e-6). Hand <paramref name="gradientScale"/> times it to <see cref="FusedOptimizer.Step"/>.
    /// </summary>
    /// <param name="maxNorm">The largest norm allowed; positive.</param>
    /// <param name="gradientScale">What the gradients will be multiplied by first (the inverse of a loss scale). Default 1.</param>
    public double ClipFactor(double maxNorm, double gradientScale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNorm);
        return Math.Min(1, maxNorm / ((Norm * Math.Abs(gradientScale)) + 1e-6));
    }
}
