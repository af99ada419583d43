using Spectre.Console;
using Raijin.App;

namespace Raijin.Cli.Tests;

public sealed class ListingTests
{
    [Fact]
    public void Columns_line_up_and_no_line_ends_in_blanks() =>
        Assert.Equal("  a      bb   c\n  long\n  x      y    [z]\n", Print(80, new Listing("", "", "").Add("a", "bb", "c").Add("long", "", "").Add("x", "y", "[z]")));

    [Fact]
    public void The_last_column_wraps_at_the_edge_and_keeps_its_place() =>
        Assert.Equal(
            "  a   one two three four five\n      six\n      abcdefghijklmnopqrstuvwx\n      yz\n",
            Print(30, new Listing("", "").Add("a", "one two three four five six abcdefghijklmnopqrstuvwxyz")));

    [Theory]
    [InlineData(14, "  a   b   ✓\n")]
    [InlineData(9, "  a  b  ✓\n")]
    [InlineData(8, "  a b ✓\n")]
    public void Columns_move_together_where_the_terminal_is_too_narrow(int width, string expected) => Assert.Equal(expected, Print(width, new Listing("", "", "").Add("a", "b", "✓")));

    static string Print(int width, Listing listing)
    {
        using var writer = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width;
        listing.Print(console);
        return writer.ToString().ReplaceLineEndings("\n");
    }
}
