using System.Globalization;
using CsCheck;

namespace Raijin.Training.Tests.Tuning;

public sealed class SearchRangeTests
{
    [Theory]
    [InlineData("64,128,256")]
    [InlineData("1..8")]
    [InlineData("0.1..0.9")]
    [InlineData("1.0..8.0")]
    [InlineData("log:0.0001..0.1")]
    [InlineData("log:16..1024")]
    [InlineData("adamW")]
    [InlineData("-3..-1")]
    public void A_range_prints_as_it_is_written(string text)
    {
        Assert.Equal(text, SearchRange.Parse(text, null).ToString());
        Assert.Equal(SearchRange.Parse(text, null), SearchRange.Parse(SearchRange.Parse(text, null).ToString(), null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1..1")]
    [InlineData("2..1")]
    [InlineData("log:0..1")]
    [InlineData("log:1,2")]
    [InlineData("1,,2")]
    [InlineData("1,1")]
    [InlineData("1..x")]
    [InlineData("0..1e999")]
    public void What_is_no_range_is_refused(string text) => Assert.Throws<FormatException>(() => SearchRange.Parse(text, null));

    static readonly string[] Ranges = ["1..8", "-2.5..3.5", "log:1e-5..1e-1", "log:16..1024", "a,b,c"];

    [Fact]
    public void Every_place_gives_a_value_within_the_ends_and_the_value_lies_at_that_place() => Gen.Select(
        Gen.Int[0, Ranges.Length - 1], Gen.Double[0, 1]).Sample((which, place) =>
        {
            var range = SearchRange.Parse(Ranges[which], null);
            var value = range.At(place);
            if (range.Choices.Count > 0)
            {
                Assert.Contains(value, range.Choices);
                return;
            }
            var number = double.Parse(value, CultureInfo.InvariantCulture);
            Assert.InRange(number, double.Parse(range.First, CultureInfo.InvariantCulture), double.Parse(range.Last, CultureInfo.InvariantCulture));
            Assert.Equal(number, double.Parse(range.At(range.PlaceOf(value)), CultureInfo.InvariantCulture), Math.Abs(number) * 1e-12 + 1e-15);
        });

    [Fact]
    public void Whole_numbers_at_the_ends_are_as_likely_as_those_between()
    {
        var range = SearchRange.Whole(1, 4);
        var counts = Enumerable.Range(0, 4000).Select(i => range.At((i + 0.5) / 4000)).CountBy(value => value).OrderBy(count => count.Key).ToList();
        Assert.Equal([("1", 1000), ("2", 1000), ("3", 1000), ("4", 1000)], counts.Select(count => (count.Key, count.Value)));
    }

    [Fact]
    public void Factors_are_as_likely_on_a_logarithmic_range()
    {
        var range = SearchRange.Log(1e-4, 1);
        Assert.Equal(1e-2, double.Parse(range.At(0.5), CultureInfo.InvariantCulture), 1e-12);
        Assert.Equal(0.25, range.PlaceOf("0.001"), 1e-12);
    }
}
