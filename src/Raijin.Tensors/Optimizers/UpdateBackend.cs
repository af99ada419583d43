namespace Raijin.Tensors;

/// <summary>
/// A way to update parameters. At each step, or measurement, the optimizer offers every parameter in order; the backend takes those it can work
/// on and has a gradient for, and then works on all it took.
/// </summary>
abstract class UpdateBackend : IDisposable
{
    /// <summary>Forgets what was taken before.</summary>
    public abstract void Begin();

    /// <summary>Looks at a parameter and its gradient as they are now.</summary>
    public abstract Offer TryTake(int index, OptimizedParameter parameter);

    /// <summary>Σ g² over the gradients taken; not finite exactly when some element is not.</summary>
    public abstract double SumOfSquares();

    /// <summary>Updates the parameters taken, whose slots exist by now; their <see cref="OptimizedParameter.Updates"/> are those before the update.</summary>
    /// <param name="gradientScale">Multiplies each gradient element first; negative to ascend.</param>
    /// <param name="gradientBound">Clamps it to ± this then; infinite for no clamp.</param>
    public abstract void Update(double gradientScale, double gradientBound);

    public abstract void Dispose();
}

/// <summary>What became of an offer.</summary>
enum Offer
{
    /// <summary>The parameter has no gradient.</summary>
    NoGradient,

    /// <summary>The backend works on it.</summary>
    Taken,

    /// <summary>It has a gradient, but another backend must work on it.</summary>
    Refused,
}
