// A frame is one write: up to the region's first row, each line over the one it replaces, the rest erased. The cursor is hidden only within
// that write and ends below the region, at the left: whenever the process dies, the terminal is as a shell wants it.

using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Raijin.Training;

/// <summary>The last lines of a terminal, drawn over again and again, while other text goes above them. Safe to use from any thread.</summary>
sealed class LiveRegion
{
    const string EraseLine = "\e[K";
    const string EraseBelow = "\e[J";
    const string HideCursor = "\e[?25l";
    const string ShowCursor = "\e[?25h";

    readonly Lock _gate = new();
    readonly IAnsiConsole _terminal;
    readonly IAnsiConsole _sketch;
    readonly StringBuilder _sketched = new();
    int[] _shownCells = [];
    string _shown = "";

    public LiveRegion(IAnsiConsole terminal)
    {
        _terminal = terminal;
        _sketch = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(new StringWriter(_sketched, CultureInfo.InvariantCulture)),
        });
        _sketch.Profile.Capabilities.ColorSystem = terminal.Profile.Capabilities.ColorSystem;
        _sketch.Profile.Capabilities.Unicode = terminal.Profile.Capabilities.Unicode;
    }

    /// <summary>Columns a line may take: one less than there are, since a full line makes some terminals begin another.</summary>
    public int Width => Math.Max(1, _terminal.Profile.Width - 1);

    /// <summary>Replaces what the region shows.</summary>
    public void Show(IReadOnlyList<StyledLine> lines)
    {
        lock (_gate)
        {
            var shown = Sketch(lines);
            Write(HideCursor + Up() + shown + EraseBelow + ShowCursor);
            _shown = shown;
            _shownCells = [.. lines.Select(l => Math.Min(l.Cells, Width))];
        }
    }

    /// <summary>Prints lines above the region, to stay.</summary>
    public void PrintAbove(IReadOnlyList<StyledLine> lines)
    {
        lock (_gate) Write(HideCursor + Up() + Sketch(lines) + _shown + EraseBelow + ShowCursor);
    }

    /// <summary>Prints whole lines of somebody else's text above the region, to stay.</summary>
    public void PrintAbove(string text)
    {
        lock (_gate) Write(HideCursor + Up() + EraseBelow + text + _shown + ShowCursor);
    }

    /// <summary>Takes the region away.</summary>
    public void Clear() => Show([]);

    string Sketch(IReadOnlyList<StyledLine> lines)
    {
        _sketch.Profile.Width = Width;
        _sketched.Clear();
        foreach (var line in lines)
        {
            _sketch.Write(new LineDrawing(line));
            _sketched.Append(EraseLine + "\n");
        }
        return _sketched.ToString();
    }

    /// <summary>To the region's first row. A window made narrower since has broken its lines into more rows.</summary>
    string Up()
    {
        var columns = Math.Max(1, _terminal.Profile.Width);
        var rows = _shownCells.Sum(cells => Math.Max(1, (cells + columns - 1) / columns));
        return rows == 0 ? "\r" : $"\r\e[{rows}A";
    }

    void Write(string text)
    {
        _terminal.Profile.Out.Writer.Write(text);
        _terminal.Profile.Out.Writer.Flush();
    }
}
