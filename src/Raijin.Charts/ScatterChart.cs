using ScottPlot;

namespace Raijin.Charts;

/// <summary>Points that belong together.</summary>
/// <param name="Name">Their name in the legend; empty for none there.</param>
/// <param name="X">Abscissas.</param>
/// <param name="Y">Ordinates, as many; what is not finite is left out.</param>
public sealed record PointSet(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);

/// <summary>Points in the plane, a colour for each set.</summary>
public sealed record ScatterChart : Chart
{
    /// <summary>More names than this stand beside the plot, not in it.</summary>
    const int MaxInside = 4;

    /// <summary>The sets of points; later ones lie above earlier ones.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<PointSet> Points { get; init; } = [];

    /// <summary>The horizontal axis.</summary>
    /// <value>Default linear.</value>
    public AxisScale XScale { get; init; }

    /// <summary>The vertical axis.</summary>
    /// <value>Default linear.</value>
    public AxisScale YScale { get; init; }

    /// <summary>Whether the line on which both coordinates are equal is drawn behind the points.</summary>
    /// <value>Default false.</value>
    public bool Diagonal { get; init; }

    private protected override void Draw(Plot plot, int width, int height)
    {
        var axes = new Axes(XScale, YScale);
        foreach (var (index, set) in Points.Index())
        {
            ThrowIfUnequal(set.Y.Count, set.X.Count, "values in Y", set.Name.Length > 0 ? $"The set \"{set.Name}\"" : "A set of points");
            var places = set.X.Zip(set.Y, (x, y) => (X: axes.X(x), Y: axes.Y(y))).Where(p => double.IsFinite(p.X + p.Y)).ToArray();
            if (places.Length == 0) continue;
            foreach (var (x, y) in places) axes.Include(x, y);
            var points = plot.Add.ScatterPoints(places.Select(p => p.X).ToArray(), places.Select(p => p.Y).ToArray());
            points.Color = Palette.Of(index).WithAlpha(places.Length > 200 ? .45 : .8);
            points.MarkerSize = places.Length > 1000 ? 4 : 7;
            if (set.Name.Length > 0) points.LegendText = set.Name;
        }
        axes.Apply(plot);
        if (Diagonal)
        {
            // After the axes have their limits: the line is no point they must include.
            var limits = plot.Axes.GetLimits();
            var line = plot.Add.Line(Math.Max(limits.Left, limits.Bottom), Math.Max(limits.Left, limits.Bottom), Math.Min(limits.Right, limits.Top), Math.Min(limits.Right, limits.Top));
            line.Color = Theme.Ink.WithAlpha(.35);
            plot.MoveToBack(line);
        }
        var names = Points.Count(p => p.Name.Length > 0);
        if (names > MaxInside) plot.ShowLegend(Edge.Right);
        else if (names > 1) plot.ShowLegend(Alignment.UpperRight, Orientation.Vertical);
    }
}
