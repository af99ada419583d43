using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Raijin.Training;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin runs diff A B</c>: what two runs were told differently, and what came of it.</summary>
sealed class RunsDiffCommand : CliCommand
{
    const string Absent = "-";

    readonly Argument<string> _left = new("A") { Description = "A run's folder" };
    readonly Argument<string> _right = new("B") { Description = "Another run's folder" };

    /// <summary>Makes the command.</summary>
    public RunsDiffCommand() : base("diff", "Shows how two runs differ: configuration and results")
    {
        Arguments.Add(_left);
        Arguments.Add(_right);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin runs diff runs/digits/1 runs/digits/2"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var folders = new[] { Folder(invocation, _left, faults), Folder(invocation, _right, faults) };
        InvalidOptionsException.ThrowIfAny(faults);

        var config = Differences(Configuration(folders[0]), Configuration(folders[1]));
        var results = Differences(Results(folders[0]), Results(folders[1]));
        Print(invocation.Terminal.Human, folders, config, results);
        JsonReport.Write(invocation.Terminal, "runs diff", ExitCodes.Success, json =>
        {
            json.WriteString("a", folders[0]);
            json.WriteString("b", folders[1]);
            WriteJson(json, "config", config);
            WriteJson(json, "results", results);
        });
        return ExitCodes.Success;
    }

    static string Folder(Invocation invocation, Argument<string> argument, List<OptionFault> faults)
    {
        if (invocation.Get(argument) is not { } given) return "";
        var folder = Path.GetFullPath(given);
        if (!Directory.Exists(folder)) faults.Add(new($"{argument.Name} = {given}", "does not exist"));
        else if (!RunSummary.IsRun(folder)) faults.Add(new($"{argument.Name} = {given}", "is no run's folder: it has no config.yaml, run.json, checkpoints or log"));
        return folder;
    }

    static OrderedDictionary<string, string> Configuration(string folder)
    {
        var values = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        if (RunFolders.SavedConfig(folder) is { } file) Add("", ConfigFile.Read(file));
        return values;

        void Add(string path, ConfigNode node)
        {
            if (node is ConfigMap map)
                foreach (var entry in map.Entries) Add(path.Length == 0 ? entry.Key : $"{path}.{entry.Key}", entry.Value);
            else values[path] = ConfigWriter.Inline(node);
        }
    }

    static OrderedDictionary<string, string> Results(string folder)
    {
        var summary = RunSummary.Of(folder, null);
        var values = new OrderedDictionary<string, string>(StringComparer.Ordinal) { ["status"] = summary.Status, ["steps"] = summary.Steps.ToString("N0", CultureInfo.InvariantCulture) };
        values["trained"] = string.Create(CultureInfo.InvariantCulture, $"{summary.Duration.TotalSeconds:F1} s");
        if (summary.Best is { } best) values[$"best {summary.Metric!.Metric}"] = string.Create(CultureInfo.InvariantCulture, $"{RunReport.Number(best.Value)} at step {best.Step:N0}");
        foreach (var (key, value) in RunCard.Read(folder)?.Metrics ?? new Dictionary<string, double>()) values[key] = RunReport.Number(value);
        return values;
    }

    static List<(string Key, string? Left, string? Right)> Differences(OrderedDictionary<string, string> left, OrderedDictionary<string, string> right) =>
        [.. left.Keys.Union(right.Keys).Select(key => (key, left.GetValueOrDefault(key), right.GetValueOrDefault(key))).Where(d => d.Item2 != d.Item3)];

    static void Print(IAnsiConsole console, string[] folders, List<(string, string?, string?)> config, List<(string, string?, string?)> results)
    {
        foreach (var (title, differences) in new[] { ("Configuration", config), ("Results", results) })
        {
            console.MarkupLine(title.In(Palette.Heading));
            var listing = new Listing(Palette.Typed, "", "");
            if (differences.Count > 0) listing.AddMarked(Palette.Quiet, "", RunFolders.Shown(folders[0]), RunFolders.Shown(folders[1]));
            foreach (var (key, left, right) in differences) listing.Add(key, left ?? Absent, right ?? Absent);
            if (differences.Count == 0) listing.Add("the same", "", "");
            listing.Print(console);
        }
    }

    static void WriteJson(Utf8JsonWriter json, string name, List<(string Key, string? Left, string? Right)> differences)
    {
        json.WriteStartObject(name);
        foreach (var (key, left, right) in differences)
        {
            json.WriteStartObject(key);
            json.WriteString("a", left);
            json.WriteString("b", right);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
