using Raijin.Collectives;
using Spectre.Console;

namespace Raijin.App;

/// <summary>What ranks took, beside what was planned, as two tables.</summary>
static class UsageReport
{
    /// <summary>Prints them.</summary>
    public static void Print(IAnsiConsole console, RankUsage usage)
    {
        Print(
            console, $"Memory of each of {usage.Ranks} ranks, {usage.Strategy}", "activations not counted", "total",
            [.. usage.Memory.Select(m => PlanReport.Named(m.Kind))],
            ("planned", Sum(usage.Memory.Select(m => m.Planned))),
            ("held", Sum(usage.Memory.Select(m => (long?)m.Held))),
            // Peaks of different kinds are not at one time.
            ("at most", ([.. usage.Memory.Select(m => (long?)m.Peak)], null)));
        if (usage.Traffic.Count == 0) return;
        Print(
            console, $"Communication of a step over {usage.Transport}", "an all-reduce moves its bytes twice", "moved",
            [.. usage.Traffic.Select(t => $"{PlanReport.Named(t.What)}, {PlanReport.Named(t.Kind)}")],
            ("planned", ([.. usage.Traffic.Select(t => t.Planned)], Total(usage.Traffic.Select(t => Moved(t, t.Planned))))),
            ("crossed", ([.. usage.Traffic.Select(t => (long?)t.Crossed)], Total(usage.Traffic.Select(t => Moved(t, t.Crossed))))));
    }

    static void Print(IAnsiConsole console, string heading, string remark, string last, string[] columns, params (string Name, (long?[] Cells, long? Total) Values)[] rows)
    {
        var scale = ByteScale.Of(rows.Max(row => row.Values.Cells.Append(row.Values.Total).Max(bytes => bytes ?? 0)));
        console.Write("\n");
        console.MarkupLine($"{heading.In(Palette.Heading)}  {$"{scale.Unit}; {remark}".In(Palette.Quiet)}");
        var listing = new Listing([Palette.Quiet, .. columns.Select(_ => ""), Palette.Heading]);
        listing.AddMarked(Palette.Quiet, ["", .. columns, last]);
        foreach (var (name, (cells, total)) in rows)
            if (cells.Any(bytes => bytes is not null)) listing.Add([name, .. cells.Select(Show), total is null ? "" : Show(total)]);
        listing.Print(console);

        string Show(long? bytes) => bytes is { } known ? scale.Show(known) : "?";
    }

    static (long?[] Cells, long? Total) Sum(IEnumerable<long?> cells)
    {
        long?[] all = [.. cells];
        return (all, Total(all));
    }

    static long? Total(IEnumerable<long?> cells) => cells.Aggregate((long?)0, (sum, bytes) => sum + bytes);

    static long? Moved(TrafficUsage traffic, long? bytes) => traffic.Kind == CollectiveKind.AllReduce ? 2 * bytes : bytes;
}
