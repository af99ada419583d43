using System.Globalization;

namespace Raijin.Charts.Tests;

public sealed class TicksTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.25, "0.25")]
    [InlineData(-1500, "-1,500")]
    [InlineData(20_000, "20,000")]
    [InlineData(1.5e6, "1.5M")]
    [InlineData(2e9, "2G")]
    [InlineData(3e-5, "3e-5")]
    [InlineData(0.001, "0.001")]
    public void Labels_are_short_and_the_same_in_every_culture(double value, string expected)
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = new() { NumberDecimalSeparator = ",", NumberGroupSeparator = "." } };
            Assert.Equal(expected, Ticks.Text(value));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_logarithmic_axis_labels_powers_of_ten_and_more_where_few_are_shown()
    {
        Assert.Equal(["0.001", "0.01", "0.1", "1"], Labels(-3.2, 0.8));
        Assert.Equal(["0.5", "1", "2", "5", "10"], Labels(-0.4, 1.1));
        Assert.Equal(["0.2", "0.3", "0.5", "0.7", "1"], Labels(-0.8, 0.1));

        static string[] Labels(double low, double high) => [.. Ticks.LogPlaces(low, high).Select(t => t.Label).OfType<string>()];
    }
}
