namespace Raijin.House.Tests;

/// <summary>A table of a Markdown page: its header and its rows, cell by cell.</summary>
sealed record DocTable(string Page, IReadOnlyList<string> Header, IReadOnlyList<DocRow> Rows)
{
    /// <summary>The tables of a page, in order. Blocks of code have none.</summary>
    public static IReadOnlyList<DocTable> Of(string page)
    {
        var tables = new List<DocTable>();
        var lines = Tree.Lines(page);
        var inCode = false;
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("```", StringComparison.Ordinal)) inCode = !inCode;
            if (inCode || !IsRow(lines[i]) || i + 1 == lines.Length || !lines[i + 1].StartsWith("|---", StringComparison.Ordinal)) continue;
            var rows = new List<DocRow>();
            var start = i;
            for (i += 2; i < lines.Length && IsRow(lines[i]); i++) rows.Add(new DocRow(i + 1, Cells(lines[i])));
            tables.Add(new DocTable(page, Cells(lines[start]), rows));
        }
        return tables;
    }

    /// <summary>The page's one table with this first column.</summary>
    public static DocTable WithFirstColumn(string page, string name) => Of(page).Single(t => t.Header[0] == name);

    /// <summary>Which column has this name.</summary>
    public int Column(string name) => Header.Index().Single(c => c.Item == name).Index;

    static bool IsRow(string line) => line.StartsWith('|') && line.TrimEnd().EndsWith('|');

    // A bar of a cell's own is written \|.
    static string[] Cells(string line) => [.. line.Trim()[1..^1].Replace("\\|", "\0", StringComparison.Ordinal).Split('|').Select(c => c.Replace('\0', '|').Trim())];
}

/// <summary>A row of a table.</summary>
/// <param name="Line">Its line in the page; the first is 1.</param>
/// <param name="Cells">Its cells, without the blanks around them.</param>
sealed record DocRow(int Line, IReadOnlyList<string> Cells)
{
    /// <summary>What stands between backticks in a cell.</summary>
    public IEnumerable<string> CodeIn(int cell) => Cells[cell].Split('`').Where((_, i) => i % 2 == 1);
}
