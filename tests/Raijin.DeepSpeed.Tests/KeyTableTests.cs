using System.Text;
using Raijin.Testing;

namespace Raijin.DeepSpeed.Tests;

public sealed class KeyTableTests
{
    const string Begin = "<!-- keys -->\n", End = "<!-- end of keys -->";

    [Fact]
    public void No_row_lacks_a_word()
    {
        Assert.All(KeyTable.All, key => Assert.DoesNotContain("", new[] { key.Path, key.Default, key.Becomes, key.Note, key.ClassText, key.Allowed }));
        Assert.All(KeyTable.All.Where(key => key.Class == KeyClass.Honoured), key => Assert.NotEqual("–", key.Becomes));
        Assert.All(KeyTable.All.Where(key => key.Class != KeyClass.Honoured), key => Assert.NotEqual("–", key.Note));
        Assert.All(KeyTable.All.Where(key => key.Class == KeyClass.NotAvailable), key => Assert.NotEqual("–", key.Becomes));
        Assert.Equal(KeyTable.All.Count, KeyTable.All.Select(key => key.Path).Distinct().Count());
    }

    [Fact]
    public void No_key_is_a_section_too() => Assert.Empty(KeyTable.All.Where(key => KeyTable.Sections.ContainsKey(key.Path)).Select(key => key.Path));

    [Fact]
    public void Defaults_are_values_of_their_keys() => Assert.All(KeyTable.All, key =>
    {
        if (key.Kind is ValueKind.List or ValueKind.Open || key.Nullable) return;
        var kind = key.Kind switch { ValueKind.Flag => HjsonKind.Flag, ValueKind.Text => HjsonKind.Text, _ => HjsonKind.Number };
        Assert.Null(Scalars.Take(key, new HjsonScalar(kind, key.Default, default), out _));
    });

    [Fact]
    public void The_page_of_keys_is_the_table()
    {
        var path = Path.Combine(SharedData.Repository, "docs", "deepspeed-config.md");
        var page = File.ReadAllText(path).ReplaceLineEndings("\n");
        var (start, end) = (page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, page.IndexOf(End, StringComparison.Ordinal));
        Assert.True(start >= Begin.Length && end >= start, "docs/deepspeed-config.md has lost its marks.");
        Golden.MatchFile(page[..start] + Rows() + page[end..], path);
    }

    static string Rows()
    {
        var text = new StringBuilder();
        foreach (var section in KeyTable.All.GroupBy(key => key.Section))
        {
            text.Append("\n### ").Append(section.Key.Length == 0 ? "The top" : $"`{section.Key}`").Append("\n\n| key | default | class | becomes, or instead | note |\n|---|---|---|---|---|\n");
            foreach (var key in section)
            {
                var name = $"`{key.Name}`" + (key.OldNames.Count > 0 ? $" (also {string.Join(", ", key.OldNames.Select(old => $"`{old}`"))})" : "");
                text.Append("| ").AppendJoin(" | ", name, $"`{key.Default}`", key.ClassText, key.Becomes, key.Note).Append(" |\n");
            }
        }
        return text.Append('\n').ToString();
    }
}
