// Draws a captured terminal as an SVG, cell by cell, so that any monospaced font keeps the columns:
//   tmux capture-pane -e -p | dotnet run eng/terminal-picture.cs > docs/images/training.svg

using System.Globalization;
using System.Text;

const double CellWidth = 8.4;
const double CellHeight = 18;
const double Margin = 18;
const double TitleBar = 34;
const string Background = "#16181d";
const string Foreground = "#d5d8de";
string[] palette =
[
    "#22252c", "#e06c75", "#8cc265", "#d8b064", "#61afef", "#c678dd", "#4cc2c9", "#d5d8de",
    "#7d8490", "#ff7b86", "#a5e075", "#f0c674", "#7cc0ff", "#de8df5", "#56d4dd", "#ffffff",
];

var (color, bold) = (Foreground, false);
var lines = Console.In.ReadToEnd().TrimEnd().Split('\n').Select(Parse).ToList();
var width = Margin * 2 + CellWidth * lines.Max(l => l.Count);
var height = TitleBar + Margin + CellHeight * lines.Count;
var svg = new StringBuilder();
Add($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:0.#} {height:0.#}" width="{width:0.#}" height="{height:0.#}" role="img" aria-label="A terminal while Raijin trains">""");
Add($"""<rect width="100%" height="100%" rx="9" fill="{Background}"/>""");
foreach (var (i, light) in new[] { "#ff5f57", "#febc2e", "#28c840" }.Index()) Add($"""<circle cx="{20 + 20 * i}" cy="18" r="6" fill="{light}"/>""");
Add($"""<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">""");
for (var row = 0; row < lines.Count; row++)
    for (var column = 0; column < lines[row].Count;)
        column = Draw(lines[row], row, column);
Add($"</g>");
Add($"</svg>");
Console.Out.Write(svg);

// Draws the cells of one look that begin here: words as text stretched to their cells, rules and bars as rectangles.
int Draw(List<Cell> line, int row, int column)
{
    var first = line[column];
    if (first.Glyph == ' ') return column + 1;
    var end = column + 1;
    while (end < line.Count && Continues(end)) end++;
    var x = Margin + column * CellWidth;
    var y = TitleBar + row * CellHeight;
    var text = string.Concat(line[column..end].Select(c => c.Glyph));
    var cells = end - column;
    if (IsRule(first.Glyph))
    {
        var thick = first.Glyph == '─' ? 1 : 3.4;
        var length = CellWidth * (first.Glyph == '╸' ? 0.5 : cells);
        Add($"""<rect x="{x:0.##}" y="{y + CellHeight / 2 - thick / 2:0.##}" width="{length:0.##}" height="{thick:0.##}" fill="{first.Color}"/>""");
    }
    else
    {
        var weight = first.Bold ? " font-weight=\"bold\"" : "";
        var escaped = text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
        Add($"""<text x="{x:0.##}" y="{y + 13.5:0.##}" textLength="{cells * CellWidth:0.##}" fill="{first.Color}"{weight}>{escaped}</text>""");
    }
    return end;

    // Words a single space apart are one text; what is further off begins a new one, at its own column.
    bool Continues(int at) => LooksAlike(line[at]) && (line[at].Glyph != ' ' || at + 1 < line.Count && line[at + 1].Glyph != ' ' && LooksAlike(line[at + 1]));

    bool LooksAlike(Cell cell) => cell.Color == first.Color && cell.Bold == first.Bold && (IsRule(first.Glyph) || IsRule(cell.Glyph) ? cell.Glyph == first.Glyph : true);
}

static bool IsRule(char glyph) => glyph is '━' or '╸' or '─';

// One captured line: its glyphs with the look that the escape sequences before them, in earlier lines too, set.
List<Cell> Parse(string line)
{
    var cells = new List<Cell>();
    for (var i = 0; i < line.Length; i++)
    {
        if (line[i] != '\e')
        {
            cells.Add(new(line[i], color, bold));
            continue;
        }
        var end = line.IndexOf('m', i);
        var codes = line[(i + 2)..end].Split(';').Select(c => c.Length == 0 ? 0 : int.Parse(c, CultureInfo.InvariantCulture)).ToArray();
        for (var c = 0; c < codes.Length; c++)
        {
            if (codes[c] == 0) (color, bold) = (Foreground, false);
            else if (codes[c] == 1) bold = true;
            else if (codes[c] == 22) bold = false;
            else if (codes[c] == 39) color = Foreground;
            else if (codes[c] is >= 30 and <= 37) color = palette[codes[c] - 30];
            else if (codes[c] is >= 90 and <= 97) color = palette[codes[c] - 82];
            else if (codes is [.., 38, 5, var index] && index < 16) (color, c) = (palette[index], codes.Length);
            else if (codes[c] != 49) throw new FormatException($"line \"{line}\": the look {string.Join(';', codes)} is not drawn yet");
        }
        i = end;
    }
    while (cells.Count > 0 && cells[^1].Glyph == ' ') cells.RemoveAt(cells.Count - 1);
    return cells;
}

void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

readonly record struct Cell(char Glyph, string Color, bool Bold);
