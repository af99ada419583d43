namespace Raijin.Training.Tests.Display;

public sealed class ReadableTextTests
{
    [Theory]
    [InlineData(0, "0.0000")]
    [InlineData(0.12345, "0.1235")]
    [InlineData(-2.5, "-2.5000")]
    [InlineData(12.3456, "12.346")]
    [InlineData(123.456, "123.46")]
    [InlineData(12345.67, "12345.7")]
    [InlineData(9.54e-4, "9.54e-4")]
    [InlineData(1.5e9, "1.50e9")]
    [InlineData(double.NaN, "nan")]
    [InlineData(double.NegativeInfinity, "-inf")]
    public void A_value_has_about_five_digits(double value, string text) => Assert.Equal(text, ReadableText.Value(value));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(999.6, "1.00k")]
    [InlineData(2560, "2.56k")]
    [InlineData(18944, "18.9k")]
    [InlineData(269_000, "269k")]
    [InlineData(999_600, "1.00M")]
    [InlineData(4.1e9, "4.10G")]
    [InlineData(5e18, "5000P")]
    public void A_quantity_has_three_digits_and_a_unit(double quantity, string text) => Assert.Equal(text, ReadableText.Quantity(quantity));

    [Theory]
    [InlineData(27, "27 ms")]
    [InlineData(999.6, "1.0 s")]
    [InlineData(1234, "1.2 s")]
    [InlineData(59_960, "0:59")]
    [InlineData(247_000, "4:07")]
    [InlineData(3_723_000, "1:02:03")]
    [InlineData(183_845_000, "2d 3:04:05")]
    public void A_duration_has_the_unit_that_fits(double milliseconds, string text) => Assert.Equal(text, ReadableText.Duration(TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData(4213.4, "4,213 steps/s")]
    [InlineData(13.04, "13.0 steps/s")]
    [InlineData(0.653, "1.53 s/step")]
    public void A_speed_below_one_is_told_the_other_way_round(double stepsPerSecond, string text) => Assert.Equal(text, ReadableText.Speed(stepsPerSecond));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(38_440, "37.5 KiB")]
    [InlineData(419_430_400, "400.0 MiB")]
    public void Memory_goes_in_steps_of_1024(long bytes, string text) => Assert.Equal(text, ReadableText.Bytes(bytes));
}
