namespace Raijin.Charts;

/// <summary>How an axis maps values to places.</summary>
public enum AxisScale
{
    /// <summary>Equal steps for equal differences.</summary>
    Linear,

    /// <summary>Equal steps for equal ratios, ticks at powers of ten. Values that are not positive are left out.</summary>
    Log,
}
