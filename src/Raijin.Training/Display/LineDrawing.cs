using Spectre.Console;
using Spectre.Console.Rendering;

namespace Raijin.Training;

/// <summary>Draws a line. It never wraps: what is too wide for a terminal is cut, elsewhere it is as long as it is.</summary>
sealed class LineDrawing(StyledLine line) : Renderable
{
    // The terminal's own sixteen colours, so that they fit light and dark.
    static readonly Style Strong = new(decoration: Decoration.Bold);
    static readonly Style Quiet = new(Color.Grey);
    static readonly Style Accent = new(Color.Aqua);
    static readonly Style Bad = new(Color.Red);

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        var left = options.Ansi ? maxWidth : int.MaxValue;
        foreach (var (text, tone) in line.Words)
        {
            var segment = new Segment(options.Unicode ? text : Ascii(text), StyleOf(tone));
            var cells = segment.CellCount();
            if (cells <= left) yield return segment;
            else if (Segment.Truncate(segment, left) is { } part) yield return part;
            left -= cells;
            if (left <= 0) yield break;
        }
    }

    static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Strong => Strong,
        Tone.Quiet => Quiet,
        Tone.Accent => Accent,
        Tone.Bad => Bad,
        _ => Style.Plain,
    };

    /// <summary>The few signs of ours that are not ASCII, for terminals that show no others.</summary>
    static string Ascii(string text) => text.Replace('━', '#').Replace('╸', '#').Replace('─', '-').Replace('·', '|').Replace('×', 'x').Replace("…", "...", StringComparison.Ordinal);
}
