using Spectre.Console;

namespace Raijin.App;

/// <summary>
/// Rows of cells under one another, each column as wide as its widest cell, the last one wrapped at the terminal's edge. Unlike a Spectre grid it
/// leaves no blanks at line ends, so that what is piped or copied is clean. Columns move together where the terminal is too narrow for them.
/// </summary>
/// <param name="styles">One style of <see cref="Palette"/> for each column; empty for plain.</param>
sealed class Listing(params string[] styles)
{
    const int Indent = 2;
    const int Gap = 3;

    /// <summary>The last column is never wrapped narrower than this.</summary>
    const int MinWrap = 24;

    readonly List<(string FirstStyle, string[] Cells)> _rows = [];

    /// <summary>Adds a row with a cell for each column.</summary>
    public Listing Add(params string[] cells) => AddMarked(styles[0], cells);

    /// <summary>Adds a row whose first cell has its own style.</summary>
    public Listing AddMarked(string firstStyle, params string[] cells)
    {
        _rows.Add((firstStyle, cells));
        return this;
    }

    /// <summary>Prints the rows.</summary>
    public void Print(IAnsiConsole console)
    {
        if (_rows.Count == 0) return;
        var widths = Enumerable.Range(0, styles.Length - 1).Select(column => _rows.Max(row => row.Cells[column].Length)).ToArray();
        var needed = Math.Min(MinWrap, _rows.Max(row => row.Cells[^1].Length));
        var gap = Gap;
        while (gap > 1 && Left() + needed > console.Profile.Width) gap--;
        var left = Left();
        var room = Math.Max(MinWrap, console.Profile.Width - left);
        foreach (var (firstStyle, row) in _rows)
        {
            var lines = Wrap(row[^1], room);
            var head = string.Concat(widths.Select((width, column) => Styled(row[column], column == 0 ? firstStyle : styles[column]) + new string(' ', width - row[column].Length + gap)));
            console.Markup(new string(' ', Indent) + (row[^1].Length > 0 ? head : head.TrimEnd()));
            foreach (var (number, line) in lines.Index())
            {
                console.Markup((number > 0 ? new string(' ', left) : "") + Styled(line, styles[^1]));
                console.Write("\n");
            }
        }

        int Left() => Indent + widths.Sum(width => width + gap);
    }

    static string Styled(string text, string style) => style.Length == 0 ? Markup.Escape(text) : text.In(style);

    static List<string> Wrap(string text, int width)
    {
        var lines = new List<string>();
        while (text.Length > width)
        {
            var cut = text.LastIndexOf(' ', width);
            if (cut <= 0) cut = width; // one long word, such as a path
            lines.Add(text[..cut]);
            text = text[cut..].TrimStart();
        }
        lines.Add(text);
        return lines;
    }
}
