using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Raijin.Charts;

/// <summary>A table of numbers as coloured cells, the first row at the top; for confusion matrices, attention, correlations.</summary>
public sealed record HeatMap : Chart
{
    /// <summary>Cells narrower than this hold no number, in pixels.</summary>
    const double NarrowestNumber = 20;

    /// <summary>Above this many names an axis shows each n-th.</summary>
    const int MostNames = 40;

    static readonly Color Missing = Color.FromHex("#DDDDDD");

    /// <summary>The values, [row, column]; NaN for a cell without one.</summary>
    public required double[,] Values { get; init; }

    /// <summary>Names of the rows.</summary>
    /// <value>Default null: their numbers.</value>
    public IReadOnlyList<string>? RowNames { get; init; }

    /// <summary>Names of the columns.</summary>
    /// <value>Default null: their numbers.</value>
    public IReadOnlyList<string>? ColumnNames { get; init; }

    /// <summary>How numbers in the cells are written, as a .NET format; null for no numbers.</summary>
    /// <value>Default <c>G3</c>.</value>
    public string? NumberFormat { get; init; } = "G3";

    /// <summary>The value of the palest colour.</summary>
    /// <value>Default null: the smallest.</value>
    public double? Low { get; init; }

    /// <summary>The value of the darkest colour.</summary>
    /// <value>Default null: the largest.</value>
    public double? High { get; init; }

    private protected override void Draw(Plot plot, int width, int height)
    {
        var (rows, columns) = (Values.GetLength(0), Values.GetLength(1));
        if (rows == 0 || columns == 0) throw new ArgumentException($"The heat map is [{rows}, {columns}]: it needs at least one row and one column.");
        ThrowIfNamesUnfit(RowNames, rows, nameof(RowNames));
        ThrowIfNamesUnfit(ColumnNames, columns, nameof(ColumnNames));

        var finite = Values.Cast<double>().Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high) = (Low ?? finite.Min(), High ?? finite.Max());
        double Share(double value) => high > low ? (value - low) / (high - low) : 0.5;

        // A plot takes about this much for its axes: what is left is shared by the cells.
        var cellPixels = Math.Min((width - 120.0) / columns, (height - 100.0) / rows);
        var size = (float)Math.Clamp(cellPixels * 0.3, 8, 14);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var value = Values[row, column];
                var cell = plot.Add.Rectangle(column - 0.5, column + 0.5, rows - row - 1.5, rows - row - 0.5);
                cell.FillColor = double.IsFinite(value) ? Palette.Sequential(Share(value)) : Missing;
                cell.LineColor = Colors.White;
                cell.LineWidth = cellPixels >= 8 ? 1 : 0;
                if (NumberFormat is null || cellPixels < NarrowestNumber || !double.IsFinite(value)) continue;
                var text = plot.Add.Text(value.ToString(NumberFormat, CultureInfo.InvariantCulture), column, rows - row - 1);
                text.LabelFontName = ChartFont.Name;
                text.LabelFontSize = size;
                text.LabelFontColor = Share(value) > 0.55 ? Colors.White : Theme.Ink;
                text.LabelAlignment = Alignment.MiddleCenter;
            }
        }
        plot.Axes.SetLimits(-0.5, columns - 0.5, -0.5, rows - 0.5);
        plot.Axes.Bottom.TickGenerator = Names(ColumnNames, columns, i => i);
        plot.Axes.Left.TickGenerator = Names(RowNames, rows, i => rows - i - 1);
        if (ColumnNames is not null && ColumnNames.Max(n => n.Length) * 7.0 > (width - 120.0) / columns)
        {
            plot.Axes.Bottom.TickLabelStyle.Rotation = -45;
            plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.MiddleRight;
            plot.Axes.Bottom.MinimumSize = 30 + ColumnNames.Max(n => n.Length) * 5f;
        }
        plot.Grid.MajorLineWidth = 0;
        foreach (var axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left])
        {
            axis.FrameLineStyle.Width = 0;
            axis.MajorTickStyle.Length = 0;
        }
    }

    static NumericManual Names(IReadOnlyList<string>? names, int count, Func<int, double> place)
    {
        var stride = (count + MostNames - 1) / MostNames;
        var ticks = new NumericManual();
        for (var i = 0; i < count; i += stride) ticks.AddMajor(place(i), names?[i] ?? i.ToString(CultureInfo.InvariantCulture));
        return ticks;
    }

    static void ThrowIfNamesUnfit(IReadOnlyList<string>? names, int count, string what)
    {
        if (names is not null && names.Count != count) throw new ArgumentException($"{what} has {names.Count} names, but the heat map has {count}: give one for each.");
    }
}
