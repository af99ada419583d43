using ScottPlot;

namespace Raijin.Charts;

/// <summary>Curves over a common axis, with a legend where there is more than one to tell apart.</summary>
public sealed record LineChart : Chart
{
    /// <summary>Curves of at most this many points have each marked, so that a single one is seen.</summary>
    const int MaxMarked = 25;

    /// <summary>More names than this stand beside the plot, not in it.</summary>
    const int MaxInside = 8;

    /// <summary>The curves; later ones lie above earlier ones, faint ones below all.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<Curve> Curves { get; init; } = [];

    /// <summary>Points to point at.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<Mark> Marks { get; init; } = [];

    /// <summary>The horizontal axis.</summary>
    /// <value>Default linear.</value>
    public AxisScale XScale { get; init; }

    /// <summary>The vertical axis.</summary>
    /// <value>Default linear.</value>
    public AxisScale YScale { get; init; }

    /// <summary>Whether curves' names are shown.</summary>
    /// <value>Default null: where more than one has a name.</value>
    public bool? Legend { get; init; }

    private protected override void Draw(Plot plot, int width, int height)
    {
        foreach (var curve in Curves) ThrowIfUnfit(curve);
        var axes = new Axes(XScale, YScale);
        var corners = new Corners();
        foreach (var (index, curve) in Curves.Index()) AddBand(plot, axes, curve, Palette.Of(curve.Color ?? index));
        foreach (var faint in (bool[])[true, false])
            foreach (var (index, curve) in Curves.Index())
                if (curve.Style == CurveStyle.Faint == faint) AddLine(plot, axes, curve, curve.Color ?? index);
        foreach (var mark in Marks) AddMark(plot, axes, mark);
        axes.Apply(plot);

        var names = Curves.Count(c => c.Name.Length > 0);
        if (!(Legend ?? names > 1) || names == 0) return;
        foreach (var curve in Curves)
            for (var i = 0; i < curve.X.Count; i++) corners.Count(axes.Share(axes.X(curve.X[i]), axes.Y(curve.Y[i])), curve.X.Count);
        if (names > MaxInside) plot.ShowLegend(Edge.Right);
        else plot.ShowLegend(corners.Emptiest(), Orientation.Vertical);
    }

    static void ThrowIfUnfit(Curve curve)
    {
        var where = curve.Name.Length > 0 ? $"The curve \"{curve.Name}\"" : "A curve";
        ThrowIfUnequal(curve.Y.Count, curve.X.Count, "values in Y", where);
        if (curve.Lower is null != curve.Upper is null) throw new ArgumentException($"{where} has one edge of a band: give Lower and Upper, or neither.");
        if (curve.Lower is null) return;
        ThrowIfUnequal(curve.Lower.Count, curve.X.Count, "values in Lower", where);
        ThrowIfUnequal(curve.Upper!.Count, curve.X.Count, "values in Upper", where);
    }

    static void AddBand(Plot plot, Axes axes, Curve curve, Color color)
    {
        if (curve.Lower is null) return;
        foreach (var part in Parts(curve.X.Count, i => double.IsFinite(axes.X(curve.X[i]) + axes.Y(curve.Lower[i]) + axes.Y(curve.Upper![i]))))
        {
            var x = part.Select(i => axes.X(curve.X[i])).ToArray();
            var low = part.Select(i => axes.Y(curve.Lower[i])).ToArray();
            var high = part.Select(i => axes.Y(curve.Upper![i])).ToArray();
            for (var i = 0; i < x.Length; i++)
            {
                axes.Include(x[i], low[i]);
                axes.Include(x[i], high[i]);
            }
            var band = plot.Add.FillY(x, low, high);
            band.FillColor = color.WithAlpha(.15);
            band.LineWidth = 0;
            band.MarkerSize = 0;
        }
    }

    static void AddLine(Plot plot, Axes axes, Curve curve, int number)
    {
        var color = Palette.Of(number);
        var named = false;
        foreach (var part in Parts(curve.X.Count, i => double.IsFinite(axes.X(curve.X[i]) + axes.Y(curve.Y[i]))))
        {
            var x = part.Select(i => axes.X(curve.X[i])).ToArray();
            var y = part.Select(i => axes.Y(curve.Y[i])).ToArray();
            for (var i = 0; i < x.Length; i++) axes.Include(x[i], y[i]);
            var line = plot.Add.Scatter(x, y);
            line.Color = color.WithAlpha(curve.Style == CurveStyle.Faint ? .28 : 1);
            line.LineWidth = curve.Style == CurveStyle.Faint ? 1 : 1.9f;
            line.LinePattern = Pattern(curve, number);
            line.MarkerSize = x.Length == 1 || curve.X.Count <= MaxMarked && curve.Style != CurveStyle.Faint ? 5 : 0;
            if (!named && curve.Name.Length > 0) line.LegendText = curve.Name;
            named = true;
        }
    }

    // Where colours repeat, the pattern tells curves apart.
    static LinePattern Pattern(Curve curve, int number) => curve.Style switch
    {
        CurveStyle.Dashed => LinePattern.Dashed,
        CurveStyle.Faint => LinePattern.Solid,
        _ => (number / Palette.Count % 3) switch { 0 => LinePattern.Solid, 1 => LinePattern.Dotted, _ => LinePattern.DenselyDashed },
    };

    static void AddMark(Plot plot, Axes axes, Mark mark)
    {
        var (x, y) = (axes.X(mark.X), axes.Y(mark.Y));
        if (!double.IsFinite(x + y)) return;
        axes.Include(x, y);
        var dot = plot.Add.Marker(x, y, MarkerShape.FilledCircle, 9, Theme.Ink);
        dot.MarkerLineColor = Colors.White;
        dot.MarkerLineWidth = 1.5f;
        var text = plot.Add.Text(mark.Text, x, y);
        text.LabelFontName = ChartFont.Name;
        text.LabelFontSize = Theme.LabelSize;
        text.LabelFontColor = Theme.Ink;
        text.LabelAlignment = Alignment.LowerLeft;
        text.OffsetX = 8;
        text.OffsetY = -6;
    }

    /// <summary>The runs of consecutive points that can be drawn.</summary>
    static IEnumerable<IReadOnlyList<int>> Parts(int count, Func<int, bool> isDrawn)
    {
        var part = new List<int>();
        for (var i = 0; i <= count; i++)
        {
            if (i < count && isDrawn(i)) part.Add(i);
            else if (part.Count > 0)
            {
                yield return part;
                part = [];
            }
        }
    }

    /// <summary>How much lies where a legend would: the emptiest corner gets it.</summary>
    sealed class Corners
    {
        const double Width = 0.36;
        const double Height = 0.38;

        readonly double[] _weight = new double[4];

        public void Count((double Right, double Up) at, int points)
        {
            if (!double.IsFinite(at.Right + at.Up)) return;
            var (left, right, low, high) = (at.Right < Width, at.Right > 1 - Width, at.Up < Height, at.Up > 1 - Height);
            if (right && high) _weight[0] += 1.0 / points;
            if (right && low) _weight[1] += 1.0 / points;
            if (left && high) _weight[2] += 1.0 / points;
            if (left && low) _weight[3] += 1.0 / points;
        }

        public Alignment Emptiest() => Array.IndexOf(_weight, _weight.Min()) switch
        {
            0 => Alignment.UpperRight,
            1 => Alignment.LowerRight,
            2 => Alignment.UpperLeft,
            _ => Alignment.LowerLeft,
        };
    }
}
