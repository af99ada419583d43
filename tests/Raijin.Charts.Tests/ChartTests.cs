using Raijin.Testing;

namespace Raijin.Charts.Tests;

public sealed class ChartTests
{
    static readonly double[] Steps = [.. Enumerable.Range(0, 200).Select(i => (double)i)];

    public static TheoryData<string> Kinds => ["line", "log", "histogram", "heat", "scatter", "panels", "empty"];

    static Chart Make(string kind) => kind switch
    {
        "line" => new LineChart { Title = "loss", XLabel = "step", YLabel = "nats", Curves = [new("a", Steps, [.. Steps.Select(Math.Sqrt)]), new("b", Steps, [.. Steps.Select(s => s / 20)])] },
        "log" => new LineChart { XScale = AxisScale.Log, YScale = AxisScale.Log, Curves = [new("a", Steps, Steps)], Marks = [new(10, 10, "here")] },
        "histogram" => HistogramChart.Of(Steps),
        "heat" => new HeatMap { Values = new double[,] { { 1, 2 }, { double.NaN, 4 } }, RowNames = ["cat", "dog"], ColumnNames = ["cat", "dog"] },
        "scatter" => new ScatterChart { Points = [new("a", Steps, Steps), new("b", Steps, [.. Steps.Reverse()])] },
        "panels" => new Panels { Title = "both", Charts = [Make("line"), Make("heat"), Make("histogram")] },
        _ => new LineChart { Title = "nothing yet" },
    };

    [Theory, MemberData(nameof(Kinds))]
    public void A_chart_is_a_png_of_the_size_asked_for_and_the_same_bytes_each_time(string kind)
    {
        var png = Make(kind).Png(500, 400);
        using var picture = new Picture(png);
        Assert.Equal((500, 400), (picture.Width, picture.Height));
        Assert.Equal(png, Make(kind).Png(500, 400));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Charts_drawn_on_many_threads_at_once_are_the_ones_drawn_on_one(string kind)
    {
        var alone = Make(kind).Png(400, 300);
        var together = new byte[8][];
        Parallel.For(0, together.Length, i => together[i] = Make(kind).Png(400, 300));
        Assert.All(together, png => Assert.Equal(alone, png));
    }

    [Fact]
    public void Text_is_drawn_from_the_font_in_the_assembly()
    {
        ChartFont.EnsureRegistered();
        Assert.Equal("DejaVu Sans", ScottPlot.Fonts.GetTypeface(ChartFont.Name, false, false).FamilyName);
        using var titled = new Picture(new LineChart { Title = "A title in the middle" }.Png(600, 400));
        using var untitled = new Picture(new LineChart().Png(600, 400));
        Assert.True(titled.Ink(0.3, 0, 0.7, 0.1) > 100);
        Assert.Equal(0, untitled.Ink(0.3, 0, 0.7, 0.1));
    }

    [Fact]
    public void Saving_makes_the_folder_and_leaves_nothing_but_the_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder["charts/loss.png"];
        Make("line").Save(path, 300, 200);
        Assert.Equal(Make("line").Png(300, 200), File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData(20, 400)]
    [InlineData(400, 20_000)]
    public void A_size_nobody_could_read_is_refused(int width, int height)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Make("line").Png(width, height));
        Assert.Contains("80 to 16384", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Panels_stand_row_by_row()
    {
        var left = new LineChart { Curves = [new("", [0, 1], [1, 1]) { Color = 1 }] };
        var right = new LineChart { Curves = [new("", [0, 1], [1, 1]) { Color = 2 }] };
        using var picture = new Picture(new Panels { Charts = [left, right] }.Png(800, 300));
        Assert.InRange(picture.Centre(Palette.Hex(1)).X, 0.2, 0.35);
        Assert.InRange(picture.Centre(Palette.Hex(2)).X, 0.7, 0.85);
    }
}
