namespace Raijin.Charts;

/// <summary>A line of points in a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="X">Abscissas, in rising order.</param>
/// <param name="Y">Ordinates, as many; NaN leaves a gap.</param>
public sealed record Curve(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);
