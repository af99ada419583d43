namespace Raijin;

/// <summary>How the height of the cycles of <see cref="Schedules.Cyclic"/> changes.</summary>
public enum CyclicShape
{
    /// <summary>Not at all. PyTorch's <c>triangular</c>.</summary>
    Triangular,

    /// <summary>Each cycle is half as high as the one before. PyTorch's <c>triangular2</c>.</summary>
    Halving,

    /// <summary>By a power of the number of updates. PyTorch's <c>exp_range</c>.</summary>
    Exponential,
}
