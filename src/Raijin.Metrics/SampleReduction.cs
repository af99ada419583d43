namespace Raijin;

/// <summary>How the numbers of all samples become one.</summary>
public enum SampleReduction
{
    /// <summary>Σ w·s / Σ w; NaN of no samples.</summary>
    Mean,

    /// <summary>Σ w·s.</summary>
    Sum,
}
