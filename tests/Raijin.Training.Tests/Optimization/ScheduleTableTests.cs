using System.Reflection;
using System.Text.RegularExpressions;
using Raijin.Testing;

namespace Raijin.Training.Tests.Optimization;

/// <summary>The table of docs/guides/schedules.md against the factories there are.</summary>
public sealed partial class ScheduleTableTests
{
    [Fact]
    public void Every_factory_has_one_row_and_every_row_a_factory()
    {
        var rows = Row().Matches(File.ReadAllText(Path.Combine(SharedData.Repository, "docs", "guides", "schedules.md"))).Select(row => row.Groups["factory"].Value);
        var factories = new[] { typeof(Schedules), typeof(DeepSpeedSchedules) }.SelectMany(type =>
            type.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).Where(m => m is PropertyInfo or MethodInfo { IsSpecialName: false }).Select(m => $"{type.Name}.{m.Name}"));
        Assert.Equal(factories.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Arguments_in_the_table_are_those_of_the_factory()
    {
        foreach (Match row in Row().Matches(File.ReadAllText(Path.Combine(SharedData.Repository, "docs", "guides", "schedules.md"))))
        {
            var (type, name) = row.Groups["factory"].Value.Split('.') is [var first, var second] ? (first, second) : default;
            var method = (type == "Schedules" ? typeof(Schedules) : typeof(DeepSpeedSchedules)).GetMethod(name);
            var parameters = method?.GetParameters().Select(p => p.Name).ToHashSet() ?? [];
            foreach (var argument in row.Groups["arguments"].Value.Split(", ", StringSplitOptions.RemoveEmptyEntries).Where(a => a != "…" && !a.Contains('(') && !a.Contains(')')))
                Assert.True(parameters.Contains(argument), $"{row.Value}: {name} has no parameter {argument}; it has {string.Join(", ", parameters)}.");
        }
    }

    [GeneratedRegex(@"^\| `(?<factory>\w+\.\w+)(\((?<arguments>.*?)\))?` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
