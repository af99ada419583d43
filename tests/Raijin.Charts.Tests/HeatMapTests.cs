namespace Raijin.Charts.Tests;

public sealed class HeatMapTests
{
    static string Hex(double position) => Palette.Sequential(position).ToHex();

    [Fact]
    public void The_first_row_is_at_the_top_and_more_is_darker()
    {
        var map = new HeatMap { Values = new double[,] { { 0, 1 }, { 2, 4 } }, NumberFormat = null };
        using var picture = new Picture(map.Png(400, 400));
        var (least, most) = (picture.Centre(Hex(0)), picture.Centre(Hex(1)));
        Assert.True(least is { X: < 0.5, Y: < 0.5 } && most is { X: > 0.5, Y: > 0.5 });
        Assert.True(picture.Count(Hex(0.25)) > 5_000 && picture.Count(Hex(0.5)) > 5_000);
    }

    [Fact]
    public void Numbers_stand_in_the_cells_while_they_fit()
    {
        var map = new HeatMap { Values = new double[,] { { 8, 8 }, { 8, 8 } }, Low = 8, High = 1000 };
        using var numbered = new Picture(map.Png(400, 400));
        using var bare = new Picture((map with { NumberFormat = null }).Png(400, 400));
        Assert.True(numbered.Ink(0.2, 0.1, 0.9, 0.8) > 50 && bare.Ink(0.2, 0.1, 0.9, 0.8) == 0);
        using var crowded = new Picture(new HeatMap { Values = new double[100, 100], Low = 0, High = 1 }.Png(400, 400));
        Assert.Equal(0, crowded.Ink(0.2, 0.1, 0.9, 0.8));
    }

    [Fact]
    public void Names_that_do_not_fit_the_table_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new HeatMap { Values = new double[2, 3], ColumnNames = ["a", "b"] }.Png());
        Assert.Contains("ColumnNames has 2 names, but the heat map has 3", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new HeatMap { Values = new double[0, 3] }.Png());
    }
}
