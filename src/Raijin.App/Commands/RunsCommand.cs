using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin runs [FOLDER]</c>: the runs below a folder, each with its status and its best metric.</summary>
sealed class RunsCommand : CliCommand
{
    readonly Argument<string> _folder = new("FOLDER") { Description = "Where to look (default: runs)", Arity = ArgumentArity.ZeroOrOne };
    readonly Option<string> _metric = new("--metric") { Description = "What to rank by (default: what each run's checkpoints are ranked by)", HelpName = "NAME" };

    /// <summary>Makes the command.</summary>
    public RunsCommand() : base("runs", "Lists runs with their status and best metric")
    {
        Arguments.Add(_folder);
        Options.Add(_metric);
        Subcommands.Add(new RunsDiffCommand());
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin runs", "raijin runs runs/digits --metric val/loss", "raijin runs diff runs/digits/1 runs/digits/2"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var root = Path.GetFullPath(invocation.Get(_folder) ?? "runs");
        if (!Directory.Exists(root)) throw new InvalidOptionsException([new($"FOLDER = {RunFolders.Shown(root)}", "does not exist")]);
        var runs = RunSummary.Find(root, invocation.Get(_metric));
        if (runs.Count == 0) invocation.Terminal.Human.Write($"No run below {RunFolders.Shown(root)}.\n");
        else Print(invocation.Terminal.Human, runs);
        JsonReport.Write(invocation.Terminal, "runs", ExitCodes.Success, json => WriteJson(json, runs));
        return ExitCodes.Success;
    }

    static void Print(IAnsiConsole console, IReadOnlyList<RunSummary> runs)
    {
        var listing = new Listing(Palette.Typed, "", "", "", "", "");
        listing.AddMarked(Palette.Heading, "run", "started (UTC)", "steps", "trained", "status", "best");
        foreach (var run in runs)
        {
            var best = run.Best is { } point ? $"{run.Metric!.Metric} {RunReport.Number(point.Value)} at step {Count(point.Step)}" : "";
            listing.Add(run.Name, run.Started?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "", Count(run.Steps), Duration(run.Duration), run.Status, best);
        }
        listing.Print(console);
    }

    static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    static string Duration(TimeSpan duration) => duration.TotalSeconds < 60
        ? string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:F1} s")
        : string.Create(CultureInfo.InvariantCulture, $"{(long)duration.TotalHours}:{duration.Minutes:D2}:{duration.Seconds:D2}");

    static void WriteJson(Utf8JsonWriter json, IReadOnlyList<RunSummary> runs)
    {
        json.WriteStartArray("runs");
        foreach (var run in runs)
        {
            json.WriteStartObject();
            json.WriteString("folder", run.Folder);
            json.WriteString("status", run.Status);
            if (run.Started is { } started) json.WriteString("started", started.UtcDateTime);
            else json.WriteNull("started");
            json.WriteNumber("steps", run.Steps);
            json.WriteMeasure("seconds", run.Duration.TotalSeconds);
            json.WriteString("metric", run.Metric?.Metric);
            json.WriteMeasure("best", run.Best?.Value ?? double.NaN);
            if (run.Best is { } best) json.WriteNumber("bestStep", best.Step);
            else json.WriteNull("bestStep");
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
