namespace Raijin.Charts.Tests;

public sealed class ScatterChartTests
{
    [Fact]
    public void Points_lie_where_their_values_are_and_what_is_not_finite_is_left_out()
    {
        var corners = new ScatterChart { Points = [new("", [0, 10, 5], [0, 10, double.NaN])] };
        using var picture = new Picture(corners.Png(400, 400));
        using var alone = new Picture(new ScatterChart { Points = [new("", [0, 10], [0, 10])] }.Png(400, 400));
        // 80 % of the blue over white.
        Assert.InRange(picture.Count("#338EC1"), 20, 200);
        Assert.Equal(alone.Count("#338EC1"), picture.Count("#338EC1"));
        var centre = picture.Centre("#338EC1");
        Assert.InRange(centre.X, 0.4, 0.65);
        Assert.InRange(centre.Y, 0.35, 0.6);
    }

    [Fact]
    public void Lists_of_unequal_lengths_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new ScatterChart { Points = [new("cats", [1, 2], [1])] }.Png());
        Assert.Contains("\"cats\" has 1 values in Y", error.Message, StringComparison.Ordinal);
    }
}
