using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Raijin.House.Tests;

/// <summary>The guides' tables list all there is, with the defaults it has.</summary>
public sealed partial class GuideTests
{
    const int LongestGuide = 160;

    static readonly IReadOnlyList<DocTable> Tables = [.. Tree.Files("docs/guides", ".md").Append("docs/coming-from-lightning.md").SelectMany(DocTable.Of)];

    static HashSet<string> Named() => [.. Tables.SelectMany(t => t.Rows).SelectMany(row => Enumerable.Range(0, row.Cells.Count).SelectMany(row.CodeIn)).SelectMany(code => Name().Matches(code).Select(m => m.Value))];

    [Theory]
    [InlineData(typeof(Callback))]
    [InlineData(typeof(RunLogger))]
    [InlineData(typeof(PredictionWriter))]
    [InlineData(typeof(Profiler))]
    public void Every_class_that_users_pick_from_is_in_a_table(Type contract)
    {
        var classes = PublicNames.Derived(contract).Select(t => t.Name).ToList();
        Assert.NotEmpty(classes);
        Assert.Empty(classes.Except(Named()));
    }

    [Theory]
    [InlineData(typeof(Schedules))]
    [InlineData(typeof(DeepSpeedSchedules))]
    [InlineData(typeof(Optimizers))]
    public void Every_factory_is_in_a_table(Type factories)
    {
        var made = factories.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(m => m is PropertyInfo or MethodInfo { IsSpecialName: false }).Select(m => $"{factories.Name}.{m.Name}").ToHashSet();
        Assert.NotEmpty(made);
        Assert.Empty(made.Except(Named()));
    }

    [Fact]
    public void Every_option_of_the_trainer_has_a_row_with_its_default()
    {
        var table = DocTable.WithFirstColumn("docs/guides/trainer-options.md", "option");
        var options = typeof(TrainerOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(p => p.SetMethod is { IsPublic: true });
        var expected = options.ToDictionary(p => p.Name, p => DefaultText(p.GetValue(new TrainerOptions())));
        var listed = table.Rows.ToDictionary(row => Assert.Single(row.CodeIn(0)), row => Assert.Single(row.CodeIn(table.Column("default"))));
        Assert.Equal(expected.OrderBy(o => o.Key, StringComparer.Ordinal), listed.OrderBy(o => o.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_callback_has_a_row_with_its_options()
    {
        var table = DocTable.WithFirstColumn("docs/guides/callbacks.md", "callback");
        var rows = table.Rows.ToDictionary(row => Assert.Single(row.CodeIn(0)), row => row.CodeIn(table.Column("options and their defaults")).SelectMany(code => Name().Matches(code).Select(m => m.Value)).ToHashSet());
        foreach (var callback in PublicNames.Derived(typeof(Callback)).Where(t => t != typeof(LambdaCallback)))
        {
            Assert.True(rows.TryGetValue(callback.Name, out var named), $"{callback.Name} has no row");
            var options = callback.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is { IsPublic: true }).Select(p => p.Name);
            Assert.Empty(options.Except(named).Select(o => $"{callback.Name}.{o}"));
        }
    }

    [Fact]
    public void Tests_that_tables_name_exist()
    {
        var tests = Tree.Files("tests", "Tests.cs").Select(f => Path.GetFileNameWithoutExtension(f)).ToHashSet();
        Assert.Empty(Tables.Where(t => t.Header.Contains("held by")).SelectMany(t => t.Rows.SelectMany(row => row.CodeIn(t.Column("held by")))).Except(tests));
    }

    [Fact]
    public void Guides_are_short()
    {
        var tooLong = Tree.Files("docs/guides", ".md").Select(f => (File: f, Lines: Tree.Lines(f).Length)).Where(f => f.Lines > LongestGuide);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Links_between_pages_lead_somewhere()
    {
        var broken = Tree.Files("docs", ".md").Append("README.md").SelectMany(page => Link().Matches(Tree.Read(page)).Select(m => m.Groups[1].Value)
            .Where(target => !target.StartsWith("http", StringComparison.Ordinal) && target.Split('#')[0] is { Length: > 0 } path && !Path.Exists(Path.Combine(Tree.Root, Path.GetDirectoryName(page)!, path)))
            .Select(target => $"{page} → {target}"));
        Assert.Empty(broken);
    }

    [Fact]
    public void The_glossary_is_in_order_and_defines_each_word_once()
    {
        var words = Tree.Lines("docs/concepts/glossary.md").Select(l => Term().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value).ToList();
        Assert.True(words.Count > 20);
        Assert.Equal(words.Distinct().OrderBy(w => w, StringComparer.OrdinalIgnoreCase), words);
    }

    static string DefaultText(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        IEnumerable and not string => "[]",
        TimeProvider => "TimeProvider.System",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    [GeneratedRegex(@"[A-Z]\w*(?:\.[A-Z]\w*)*")]
    private static partial Regex Name();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\*\*(.+?)\*\*")]
    private static partial Regex Term();
}
