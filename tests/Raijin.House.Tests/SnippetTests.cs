using System.Text;
using System.Text.RegularExpressions;
using Raijin.Testing;

namespace Raijin.House.Tests;

/// <summary>
/// Every C# block in the documentation is a piece of a compiled file. Above the block stands <c>&lt;!-- snippet: path/to/File.cs#name --&gt;</c>; the piece is
/// what lies between <c>// snippet: name</c> and <c>// end snippet</c> there, or the whole file without <c>#name</c>.
/// </summary>
public sealed partial class SnippetTests
{
    public static TheoryData<string> Pages => [.. Tree.Files("docs", ".md"), "README.md"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Code_in_the_documentation_is_compiled_code(string page)
    {
        var text = Tree.Read(page);
        var updated = Block().Replace(text, block =>
        {
            Assert.True(block.Groups["source"].Success, $"{page}: a C# block has no snippet above it:\n{block.Value}");
            return $"<!-- snippet: {block.Groups["source"].Value} -->\n```csharp\n{Snippet(block.Groups["source"].Value)}\n```";
        });
        Golden.MatchFile(updated, Path.Combine(Tree.Root, page));
    }

    static string Snippet(string source)
    {
        var parts = source.Split('#');
        var lines = Tree.Lines(parts[0]).AsEnumerable();
        if (parts.Length == 2)
        {
            lines = lines.SkipWhile(l => l.Trim() != $"// snippet: {parts[1]}").Skip(1).TakeWhile(l => l.Trim() != "// end snippet");
            Assert.True(lines.Any(), $"{parts[0]} has no snippet named {parts[1]}.");
        }
        var kept = lines.ToList();
        var indent = kept.Where(l => l.Trim().Length > 0).Min(l => l.Length - l.TrimStart().Length);
        var text = new StringBuilder();
        foreach (var line in kept) text.Append(line.Length >= indent ? line[indent..] : line).Append('\n');
        return text.ToString().Trim('\n');
    }

    [GeneratedRegex(@"(?:<!-- snippet: (?<source>\S+) -->\n)?```csharp\n(?<code>|[\s\S]*?\n)```")]
    private static partial Regex Block();
}
