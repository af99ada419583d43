using ScottPlot;
using ScottPlot.TickGenerators;

namespace Raijin.Charts;

/// <summary>The axes of a chart of points: their scales, and limits that hold all of it with a little air.</summary>
sealed class Axes(AxisScale x, AxisScale y)
{
    const double Air = 0.04;

    double _left = double.PositiveInfinity;
    double _right = double.NegativeInfinity;
    double _bottom = double.PositiveInfinity;
    double _top = double.NegativeInfinity;

    /// <summary>Whether no point was put in.</summary>
    public bool IsEmpty => _left > _right;

    /// <summary>Where a value lies along the horizontal axis; NaN for nowhere.</summary>
    public double X(double value) => Place(value, x);

    /// <summary>Where a value lies along the vertical axis; NaN for nowhere.</summary>
    public double Y(double value) => Place(value, y);

    /// <summary>Widens the limits to hold a place.</summary>
    public void Include(double placeX, double placeY)
    {
        if (!double.IsFinite(placeX) || !double.IsFinite(placeY)) return;
        _left = Math.Min(_left, placeX);
        _right = Math.Max(_right, placeX);
        _bottom = Math.Min(_bottom, placeY);
        _top = Math.Max(_top, placeY);
    }

    /// <summary>Sets a plot's limits and ticks; one without points says so.</summary>
    public void Apply(Plot plot)
    {
        if (IsEmpty)
        {
            var text = plot.Add.Text("no data", 0.5, 0.5);
            text.LabelFontName = ChartFont.Name;
            text.LabelFontSize = Theme.TitleSize;
            text.LabelFontColor = Theme.Quiet;
            text.LabelAlignment = Alignment.MiddleCenter;
            plot.Axes.SetLimits(0, 1, 0, 1);
            plot.Axes.Bottom.TickGenerator = new NumericManual();
            plot.Axes.Left.TickGenerator = new NumericManual();
            return;
        }
        var (left, right) = Widen(_left, _right, x == AxisScale.Log);
        var (bottom, top) = Widen(_bottom, _top, y == AxisScale.Log);
        plot.Axes.SetLimits(left, right, bottom, top);
        plot.Axes.Bottom.TickGenerator = x == AxisScale.Log ? Ticks.Log(left, right) : Ticks.Linear();
        plot.Axes.Left.TickGenerator = y == AxisScale.Log ? Ticks.Log(bottom, top) : Ticks.Linear();
        if (x == AxisScale.Log) plot.Axes.Bottom.MinorTickStyle.Length = 2;
        if (y == AxisScale.Log) plot.Axes.Left.MinorTickStyle.Length = 2;
    }

    /// <summary>The share of the plot's width and height a place is at, from the lower left.</summary>
    public (double Right, double Up) Share(double placeX, double placeY) =>
        ((placeX - _left) / Math.Max(_right - _left, double.Epsilon), (placeY - _bottom) / Math.Max(_top - _bottom, double.Epsilon));

    static double Place(double value, AxisScale scale) => scale == AxisScale.Linear ? double.IsFinite(value) ? value : double.NaN : value > 0 && double.IsFinite(value) ? Math.Log10(value) : double.NaN;

    static (double Low, double High) Widen(double low, double high, bool log)
    {
        var range = high - low;
        // A single value gets a range that its own size suggests.
        if (range <= Math.Abs(low) * 1e-12) range = log || low == 0 ? 1 : Math.Abs(low) * 0.2;
        else return (low - range * Air, high + range * Air);
        return (low - range / 2, high + range / 2);
    }
}
