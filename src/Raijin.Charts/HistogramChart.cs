using ScottPlot;

namespace Raijin.Charts;

/// <summary>How often values fall into each of consecutive bins, as bars without gaps.</summary>
public sealed record HistogramChart : Chart
{
    /// <summary>Where bins begin and end, rising: one more than <see cref="Counts"/>.</summary>
    public required IReadOnlyList<double> Edges { get; init; }

    /// <summary>How many values each bin holds.</summary>
    public required IReadOnlyList<double> Counts { get; init; }

    /// <summary>A histogram of values in bins of equal width. What is not finite is left out.</summary>
    /// <param name="values">The values, in any order.</param>
    /// <param name="bins">How many bins.</param>
    public static HistogramChart Of(IReadOnlyList<double> values, int bins = 40)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bins);
        var finite = values.Where(double.IsFinite).ToArray();
        var (low, high) = finite.Length == 0 ? (0, 1) : (finite.Min(), finite.Max());
        if (low == high) (low, high) = (low - 0.5, high + 0.5);
        var width = (high - low) / bins;
        var counts = new double[bins];
        foreach (var value in finite) counts[Math.Min((int)((value - low) / width), bins - 1)]++;
        return new HistogramChart { Edges = [.. Enumerable.Range(0, bins + 1).Select(i => low + i * width)], Counts = counts };
    }

    private protected override void Draw(Plot plot, int width, int height)
    {
        if (Edges.Count != Counts.Count + 1) throw new ArgumentException($"The histogram has {Edges.Count} edges and {Counts.Count} counts: give one edge more than counts.");
        var axes = new Axes(AxisScale.Linear, AxisScale.Linear);
        var color = Palette.Of(0);
        for (var i = 0; i < Counts.Count; i++)
        {
            axes.Include(Edges[i], 0);
            axes.Include(Edges[i + 1], Counts[i]);
            if (Counts[i] == 0) continue;
            var bar = plot.Add.Rectangle(Edges[i], Edges[i + 1], 0, Counts[i]);
            bar.FillColor = color.WithAlpha(.75);
            bar.LineColor = Colors.White;
            bar.LineWidth = Counts.Count <= 100 ? 1 : 0;
        }
        axes.Apply(plot);
        // Bars stand on the axis.
        var limits = plot.Axes.GetLimits();
        plot.Axes.SetLimitsY(0, limits.Top);
    }
}
