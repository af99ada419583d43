namespace Raijin.Metrics;

/// <summary>How two values of a state become one, over two halves of an epoch as over many ranks.</summary>
public enum Reduction
{
    /// <summary>a + b.</summary>
    Sum,

    /// <summary>The mean of a and b, weighted by how many updates each holds.</summary>
    Mean,

    /// <summary>The smaller, elementwise.</summary>
    Min,

    /// <summary>The larger, elementwise.</summary>
    Max,

    /// <summary>a followed by b along dim 0; starts empty and grows.</summary>
    Concatenate,

    /// <summary>What the state's own function makes of a and b: moments, sketches.</summary>
    Custom,
}
