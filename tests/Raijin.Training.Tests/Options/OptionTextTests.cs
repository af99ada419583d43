using System.Text.Json;
using CsCheck;

namespace Raijin.Training.Tests.Options;

public sealed class OptionTextTests
{
    static readonly Gen<Every> Moments = Gen.OneOf(
        Gen.Const(Every.Never), Gen.Long[1, 1_000_000].Select(Every.Steps), Gen.Long[1, 10_000].Select(Every.Epochs), Gen.Long[1, 1L << 50].Select(t => Every.Time(new TimeSpan(t))));

    [Fact]
    public void A_moment_prints_what_it_parses() => Moments.Sample(e => Every.Parse(e.ToString(), null) == e && JsonSerializer.Deserialize<Every>(JsonSerializer.Serialize(e)) == e);

    [Fact]
    public void Clipping_prints_what_it_parses() =>
        Gen.OneOf(Gen.Const(Clip.None), Gen.Double[1e-9, 1e9].Select(Clip.Norm), Gen.Double[1e-9, 1e9].Select(Clip.Value)).Sample(c => Clip.Parse(c.ToString(), null) == c);

    [Theory]
    [InlineData("10 minutes")]
    [InlineData("1 step")]
    [InlineData("2 epochs")]
    [InlineData("01:30:00")]
    public void Moments_are_written_as_people_say_them(string text) => Assert.True(Every.TryParse(text, null, out _));

    [Theory]
    [InlineData("")]
    [InlineData("500")]
    [InlineData("0 steps")]
    [InlineData("-1 epochs")]
    [InlineData("1.5 steps")]
    [InlineData("NaN minutes")]
    [InlineData("99999999999999999999 steps")]
    public void A_moment_without_sense_is_refused_with_examples(string text) =>
        Assert.Contains("500 steps", Assert.Throws<FormatException>(() => Every.Parse(text, null)).Message);

    [Fact]
    public void Limits_apply_to_what_there_is()
    {
        Assert.Equal(10, Limit.Batches(10).Apply(100));
        Assert.Equal(5, Limit.Batches(10).Apply(5));
        Assert.Equal(25, Limit.Fraction(0.25).Apply(100));
        Assert.Equal(1, Limit.Fraction(0.001).Apply(100));
        Assert.Null(Limit.None.Apply(null));
        Assert.Equal(10, Limit.Parse("10 batches", null).Apply(null));
    }

    [Fact]
    public void The_better_of_two_depends_on_the_way_and_never_is_nan()
    {
        Assert.True(Best.Max("m").IsBetter(2, 1));
        Assert.False(Best.Min("m").IsBetter(2, 1));
        Assert.True(Best.Min("m").IsBetter(2, null));
        Assert.False(Best.Max("m").IsBetter(double.NaN, 1));
        Assert.True(Best.Max("m").IsBetter(0, double.NaN));
        Assert.False(Best.Max("m").IsBetter(1.05, 1, minDelta: 0.1));
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("cpu")]
    [InlineData("cuda:1")]
    [InlineData("mps")]
    public void Devices_are_named_as_they_print(string name)
    {
        Assert.Equal(name, DeviceChoice.Parse(name, null).ToString());
        Assert.Contains("cpu", DeviceChoice.Available);
    }
}
