using CsCheck;

namespace Raijin.Training.Tests.Display;

public sealed class LiveRegionTests
{
    enum Act
    {
        Show,
        Print,
        PrintText,
    }

    /// <summary>Whatever is shown and printed in whatever order: the screen is the printed lines, then the region, and the cursor stands below them, seen.</summary>
    [Fact]
    public void The_screen_is_what_was_printed_and_below_it_the_region()
    {
        var line = Gen.String[Gen.Char['a', 'z'], 1, 60];
        var act = Gen.Select(Gen.OneOf(Act.Show, Act.Print, Act.PrintText), line.Array[0, 4]);
        act.Array[1, 20].Sample(acts =>
        {
            const int width = 40;
            using var terminal = new VirtualTerminal();
            var region = new LiveRegion(TestConsole.Ansi(terminal, width));
            var printed = new List<string>();
            string[] shown = [];
            foreach (var (what, lines) in acts)
            {
                var styled = lines.Select(l => new StyledLine().Add(l[..1], Tone.Strong).Add(l[1..], Tone.Accent)).ToList();
                var cut = lines.Select(l => l[..Math.Min(l.Length, width - 1)]).ToArray();
                if (what == Act.Show)
                {
                    region.Show(styled);
                    shown = cut;
                }
                else if (what == Act.Print)
                {
                    region.PrintAbove(styled);
                    printed.AddRange(cut);
                }
                else
                {
                    region.PrintAbove(string.Concat(lines.Select(l => l[..1] + "\n")));
                    printed.AddRange(lines.Select(l => l[..1]));
                }
                Assert.Equal(string.Join('\n', printed.Concat(shown)), terminal.Screen);
                Assert.Equal((printed.Count + shown.Length, 0), terminal.Cursor);
                Assert.False(terminal.CursorIsHidden);
            }
            Assert.Equal(acts.Length, terminal.Writes);
            region.Clear();
            Assert.Equal(string.Join('\n', printed), terminal.Screen);
        });
    }

    [Fact]
    public void A_narrower_window_is_cleared_of_the_rows_its_lines_were_broken_into()
    {
        var text = new StringWriter();
        var console = TestConsole.Ansi(text, width: 50);
        var region = new LiveRegion(console);
        region.Show([new StyledLine().Add(new string('x', 45)), new StyledLine().Add("short")]);
        text.GetStringBuilder().Clear();
        console.Profile.Width = 20;
        region.Clear();
        // 45 cells break into three rows of 20, and one more for the short line.
        Assert.Contains("\e[4A", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_program_writes_appears_above_line_by_line()
    {
        using var terminal = new VirtualTerminal();
        var region = new LiveRegion(TestConsole.Ansi(terminal));
        region.Show([new StyledLine().Add("bar")]);
        using var writer = new RelayWriter(region);

        writer.Write("half ");
        Assert.Equal("bar", terminal.Screen);
        writer.WriteLine("a line");
        writer.Write('x');
        writer.Write("yz\nand\nmore".ToCharArray(), 0, 10);
        Assert.Equal("half a line\nxyz\nand\nbar", terminal.Screen);
        Assert.Equal("mor", writer.TakeRest());
    }

    [Fact]
    public void Colours_are_left_out_where_the_terminal_wants_none()
    {
        var text = new StringWriter();
        var console = TestConsole.Ansi(text);
        console.Profile.Capabilities.ColorSystem = Spectre.Console.ColorSystem.NoColors;
        new LiveRegion(console).Show([new StyledLine().Add("accent", Tone.Accent).Add("bad", Tone.Bad)]);
        Assert.Contains("accentbad", text.ToString(), StringComparison.Ordinal);
    }
}
