namespace Raijin;

/// <summary>How the values logged under one key over an epoch become one.</summary>
public enum Reduce
{
    /// <summary>The mean, weighted by the batch size (or by the weight given).</summary>
    Mean,

    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The smallest.</summary>
    Min,

    /// <summary>The largest.</summary>
    Max,

    /// <summary>The last one.</summary>
    Last,
}
