namespace Raijin.Charts;

/// <summary>A line of points in a chart.</summary>
/// <param name="Name">Its name in the legend; empty for none there.</param>
/// <param name="X">Abscissas, in rising order.</param>
/// <param name="Y">Ordinates, as many; what is not finite, or not positive on a logarithmic axis, leaves a gap.</param>
public sealed record Curve(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>The lower edge of a shaded band around the line, as many as points; null for no band.</summary>
    /// <value>Default null.</value>
    public IReadOnlyList<double>? Lower { get; init; }

    /// <summary>The upper edge of the band; set with <see cref="Lower"/>.</summary>
    /// <value>Default null.</value>
    public IReadOnlyList<double>? Upper { get; init; }

    /// <summary>How the line is drawn.</summary>
    /// <value>Default <see cref="CurveStyle.Solid"/>.</value>
    public CurveStyle Style { get; init; }

    /// <summary>Which colour of the palette; curves of the same number share one. It repeats after <see cref="Palette.Count"/>.</summary>
    /// <value>Default null: the curve's place in the chart.</value>
    public int? Color { get; init; }
}

/// <summary>How a curve is drawn.</summary>
public enum CurveStyle
{
    /// <summary>A line.</summary>
    Solid,

    /// <summary>A broken line.</summary>
    Dashed,

    /// <summary>A thin pale line behind the others, as for raw values behind smoothed ones.</summary>
    Faint,
}

/// <summary>A point worth pointing at, with a word beside it.</summary>
/// <param name="X">Its abscissa.</param>
/// <param name="Y">Its ordinate.</param>
/// <param name="Text">What stands beside it.</param>
public sealed record Mark(double X, double Y, string Text);
