namespace Raijin.Charts.Tests;

public sealed class HistogramChartTests
{
    [Fact]
    public void Bins_are_of_equal_width_and_the_largest_value_is_in_the_last()
    {
        var chart = HistogramChart.Of([0, 1, 1, 2.5, 4, double.NaN, double.PositiveInfinity], bins: 4);
        Assert.Equal([0, 1, 2, 3, 4], chart.Edges);
        Assert.Equal([1, 2, 1, 1], chart.Counts);
    }

    [Fact]
    public void Equal_values_are_one_bar_and_none_are_no_bar()
    {
        Assert.Equal(3, HistogramChart.Of([7, 7, 7]).Counts.Sum());
        Assert.Equal(0, HistogramChart.Of([]).Counts.Sum());
    }

    [Fact]
    public void A_missing_edge_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new HistogramChart { Edges = [0, 1], Counts = [1, 2] }.Png());
        Assert.Contains("2 edges and 2 counts", error.Message, StringComparison.Ordinal);
    }
}
