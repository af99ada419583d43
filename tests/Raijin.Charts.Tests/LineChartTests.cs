namespace Raijin.Charts.Tests;

public sealed class LineChartTests
{
    static readonly double[] Steps = [.. Enumerable.Range(0, 100).Select(i => (double)i)];

    [Fact]
    public void Each_curve_has_its_own_colour_and_lies_where_its_values_are()
    {
        var chart = new LineChart { Legend = false, Curves = [new("low", Steps, [.. Steps.Select(_ => 0.0)]), new("high", Steps, [.. Steps.Select(_ => 10.0)])] };
        using var picture = new Picture(chart.Png(600, 400));
        Assert.True(picture.Centre(Palette.Hex(0)).Y > 0.8);
        Assert.True(picture.Centre(Palette.Hex(1)).Y < 0.2);
        Assert.Equal(0, picture.Count(Palette.Hex(2)));
    }

    [Fact]
    public void Values_that_are_not_finite_leave_a_gap()
    {
        double[] holed = [.. Steps.Select(s => s is > 20 and < 80 ? double.NaN : 1)];
        using var whole = new Picture(new LineChart { Curves = [new("", Steps, [.. Steps.Select(_ => 1.0)])] }.Png(600, 300));
        using var gap = new Picture(new LineChart { Curves = [new("", Steps, holed)] }.Png(600, 300));
        Assert.InRange((double)gap.Count(Palette.Hex(0)) / whole.Count(Palette.Hex(0)), 0.3, 0.5);
    }

    [Fact]
    public void A_logarithmic_axis_spaces_ratios_evenly_and_leaves_out_what_is_not_positive()
    {
        // 1, 10, 100 on a logarithmic axis: the middle value is in the middle.
        var chart = new LineChart { YScale = AxisScale.Log, Curves = [new("", [-1, 0, 1, 2], [0, 1, 10, 100]) { Color = 3 }, new("", [0, 2], [10, 10])] };
        using var picture = new Picture(chart.Png(600, 400));
        using var linear = new Picture((chart with { YScale = AxisScale.Linear }).Png(600, 400));
        Assert.InRange(picture.Centre(Palette.Hex(1)).Y, 0.4, 0.55);
        Assert.True(linear.Centre(Palette.Hex(1)).Y > 0.7);
    }

    [Fact]
    public void A_single_point_is_seen()
    {
        using var picture = new Picture(new LineChart { Curves = [new("", [5], [0.25])] }.Png(300, 200));
        Assert.True(picture.Count(Palette.Hex(0)) > 5);
    }

    [Fact]
    public void A_band_is_shaded_between_its_edges()
    {
        var curve = new Curve("", Steps, [.. Steps.Select(_ => 0.0)]);
        var band = curve with { Lower = [.. Steps.Select(_ => -1.0)], Upper = [.. Steps.Select(_ => 1.0)] };
        using var picture = new Picture(new LineChart { Curves = [band] }.Png(400, 300));
        // 15 % of the blue over white, the grid apart.
        Assert.True(picture.Count("#D9EAF4") + picture.Count("#D8EAF3") + picture.Count("#D9EAF3") > 20_000);
    }

    [Fact]
    public void The_legend_takes_the_corner_where_nothing_lies()
    {
        double[] falling = [.. Steps.Select(s => Math.Exp(-s / 10))];
        double[] rising = [.. falling.Select(v => 1 - v)];
        using var high = new Picture(new LineChart { Curves = [new("a curve", Steps, falling), new("another", Steps, falling)] }.Png(600, 400));
        using var low = new Picture(new LineChart { Curves = [new("a curve", Steps, rising), new("another", Steps, rising)] }.Png(600, 400));
        Assert.True(high.Ink(0.7, 0.02, 1, 0.3) > 40 && high.Ink(0.7, 0.6, 0.95, 0.8) == 0);
        Assert.True(low.Ink(0.7, 0.6, 1, 0.85) > 40 && low.Ink(0.7, 0.1, 0.95, 0.3) == 0);
    }

    [Fact]
    public void Lists_of_unequal_lengths_are_refused_by_the_curves_name()
    {
        var error = Assert.Throws<ArgumentException>(() => new LineChart { Curves = [new("loss", [1, 2], [1])] }.Png());
        Assert.Contains("\"loss\" has 1 values in Y, but 2 are needed", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentException>(() => new LineChart { Curves = [new("loss", [1], [1]) { Lower = [0] }] }.Png());
        Assert.Contains("give Lower and Upper, or neither", error.Message, StringComparison.Ordinal);
    }
}
