using ScottPlot;

namespace Raijin.Charts;

/// <summary>How every chart looks: thin grid, two axes, no frame, sizes that fit a screen at one to one.</summary>
static class Theme
{
    public const float TitleSize = 15;
    public const float LabelSize = 12.5f;
    public const float TickSize = 11.5f;

    public static readonly Color Ink = Color.FromHex("#222222");
    public static readonly Color Quiet = Color.FromHex("#5A5A5A");
    public static readonly Color GridLine = Color.FromHex("#E6E6E6");
    public static readonly Color AxisLine = Color.FromHex("#9A9A9A");

    public static void Apply(Plot plot, Chart chart)
    {
        ChartFont.EnsureRegistered();
        plot.Font.Set(ChartFont.Name);
        plot.FigureBackground.Color = Colors.White;
        plot.DataBackground.Color = Colors.White;
        plot.Grid.MajorLineColor = GridLine;
        plot.Grid.MajorLineWidth = 1;
        foreach (var axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left])
        {
            axis.FrameLineStyle.Color = AxisLine;
            axis.FrameLineStyle.Width = 1;
            axis.MajorTickStyle.Color = AxisLine;
            axis.MajorTickStyle.Length = 4;
            axis.MinorTickStyle.Length = 0;
            axis.TickLabelStyle.FontName = ChartFont.Name;
            axis.TickLabelStyle.FontSize = TickSize;
            axis.TickLabelStyle.ForeColor = Quiet;
        }
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Axes.Right.FrameLineStyle.Width = 0;
        Label(plot.Axes.Bottom.Label, chart.XLabel, LabelSize);
        Label(plot.Axes.Left.Label, chart.YLabel, LabelSize);
        Label(plot.Axes.Title.Label, chart.Title, TitleSize);
        plot.Axes.Title.IsVisible = chart.Title is not null;
        // Room at the right for the last tick's label, which is centred on the axis' end.
        plot.Axes.Right.MinimumSize = 18;
        plot.Axes.Top.MinimumSize = 10;

        var legend = plot.Legend;
        legend.FontName = ChartFont.Name;
        legend.FontSize = TickSize;
        legend.FontColor = Ink;
        legend.BackgroundColor = Colors.White.WithAlpha(.85);
        legend.OutlineColor = GridLine;
        legend.OutlineWidth = 1;
        legend.SymbolWidth = 30;
        legend.ShadowColor = Colors.Transparent;
        legend.IsVisible = false;
    }

    static void Label(LabelStyle label, string? text, float size)
    {
        label.Text = text ?? "";
        label.FontName = ChartFont.Name;
        label.FontSize = size;
        label.Bold = false;
        label.ForeColor = Ink;
    }
}
