namespace Raijin.House.Tests;

/// <summary>What holds for every page for those who come from elsewhere: its tables compare name with name, and say nothing that isn't so.</summary>
/// <param name="page">The page.</param>
/// <param name="theirs">What the column of their names is called.</param>
/// <param name="absences">How a cell says that we have no counterpart.</param>
public abstract class MigrationPageTests(string page, string theirs, params string[] absences)
{
    private protected string Page => page;

    /// <summary>The tables that compare.</summary>
    private protected virtual IReadOnlyList<DocTable> Tables { get; } = DocTable.Of(page);

    private protected IEnumerable<DocRow> Rows => Tables.SelectMany(t => t.Rows);

    [Fact]
    public void Every_table_has_the_same_four_columns()
    {
        Assert.NotEmpty(Tables);
        Assert.All(Tables, t => Assert.Equal([theirs, "Raijin", "difference", "held by"], t.Header));
    }

    [Fact]
    public void No_cell_is_empty()
    {
        Assert.All(Rows, row => Assert.True(row.Cells.Count == 4, $"{page}:{row.Line} has {row.Cells.Count} cells"));
        Assert.Empty(Rows.Where(row => row.Cells.Any(c => c.Length == 0)).Select(row => $"{page}:{row.Line}"));
    }

    [Fact]
    public void Every_name_on_our_side_exists() =>
        Assert.Empty(Rows.SelectMany(row => row.CodeIn(1).Where(code => !IsCommand(code)).SelectMany(PublicNames.UnknownIn).Select(name => $"{page}:{row.Line} {name}")));

    [Fact]
    public void What_has_a_counterpart_is_held_by_a_test_that_exists()
    {
        var tests = Tree.Files("tests", "Tests.cs").Select(f => Path.GetFileNameWithoutExtension(f)).ToHashSet();
        Assert.Empty(Rows.SelectMany(row => row.CodeIn(3).Where(test => !tests.Contains(test)).Select(test => $"{page}:{row.Line} {test}")));
        Assert.Empty(Rows.Where(row => row.CodeIn(1).Any() != row.CodeIn(3).Any()).Select(row => $"{page}:{row.Line}: a test belongs to a counterpart, and to nothing else"));
    }

    [Fact]
    public void What_has_none_says_so() =>
        Assert.Empty(Rows.Where(row => !row.CodeIn(1).Any() && !absences.Contains(row.Cells[1])).Select(row => $"{page}:{row.Line} {row.Cells[1]}"));

    static bool IsCommand(string code) => code.StartsWith("raijin", StringComparison.Ordinal) || code.StartsWith("--", StringComparison.Ordinal) || code.Contains("__", StringComparison.Ordinal);
}
