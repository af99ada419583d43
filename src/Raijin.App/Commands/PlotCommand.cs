using System.CommandLine;
using System.Globalization;
using Raijin.Charts;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin plot RUN…</c>: the curves of one or several runs as a PNG, a panel for each family of metrics.</summary>
sealed class PlotCommand : CliCommand
{
    const int PanelWidth = 820;
    const int PanelHeight = 440;
    const int MaxPanels = 30;

    readonly Argument<string[]> _runs = new("RUN") { Description = "Folders of runs", Arity = ArgumentArity.OneOrMore };
    readonly Option<string[]> _metric = new("--metric") { Description = "Only these, with * and ?; may be repeated", HelpName = "GLOB", AllowMultipleArgumentsPerToken = false };
    readonly Option<string> _smooth = new("--smooth") { Description = "Smooths values of steps, 0 to below 1; the raw ones stay faint behind (default: 0)", HelpName = "WEIGHT" };
    readonly Option<string> _x = new("--x") { Description = "The horizontal axis: step, epoch or seconds (default: step)", HelpName = "AXIS" };
    readonly Option<string> _output = new("--output") { Description = "The picture (default: plot.png in the run's folder, or here for several runs)", HelpName = "FILE.png" };

    /// <summary>Makes the command.</summary>
    public PlotCommand() : base("plot", "Draws the metrics of runs as a picture")
    {
        Arguments.Add(_runs);
        foreach (var option in (Option[])[_metric, _smooth, _x, _output]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin plot runs/digits/1", "raijin plot runs/digits/1 runs/digits/2 --metric \"*/loss\" --smooth 0.9 --output loss.png"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var smooth = Smooth(invocation, faults);
        var axis = Axis(invocation, faults);
        IReadOnlyList<string> folders = [.. (invocation.Get(_runs) ?? []).Distinct()];
        foreach (var folder in folders.Where(folder => !Directory.Exists(folder))) faults.Add(new($"RUN = {folder}", "does not exist"));
        InvalidOptionsException.ThrowIfAny(faults);

        var runs = folders.Select(folder => new DrawnRun(NameOf(Path.GetFullPath(folder)), RunSeries.Read(folder))).ToList();
        foreach (var (folder, run) in folders.Zip(runs))
            if (run.Series.Count == 0) faults.Add(new($"RUN = {folder}", "holds no log: neither metrics.csv nor metrics.jsonl with a record"));
        InvalidOptionsException.ThrowIfAny(faults);

        IReadOnlyList<string> globs = invocation.Texts(_metric) ?? [];
        var charts = new MetricPanels(globs, smooth, axis).Draw(runs);
        if (charts.Count == 0)
            throw new InvalidOptionsException([new($"--metric = {string.Join(", ", globs)}", $"matches nothing that was logged: {string.Join(", ", runs.SelectMany(r => r.Series).Select(s => s.Key).Distinct())}")]);
        if (charts.Count > MaxPanels) throw new InvalidOptionsException([new("--metric", $"leaves {charts.Count} panels; a picture has at most {MaxPanels}. Name fewer.")]);

        var output = Path.GetFullPath(invocation.Get(_output) ?? (runs.Count == 1 ? Path.Combine(folders[0], "plot.png") : "plot.png"));
        Save(charts, output);
        var metrics = charts.Select(chart => chart.Title!).ToList();
        invocation.Terminal.Human.Write($"Drew {string.Join(", ", metrics)} to {RunFolders.Shown(output)}.\n");
        JsonReport.Write(invocation.Terminal, "plot", ExitCodes.Success, json =>
        {
            json.WriteString("picture", output);
            json.WriteStartArray("runs");
            foreach (var run in folders) json.WriteStringValue(Path.GetFullPath(run));
            json.WriteEndArray();
            json.WriteStartArray("panels");
            foreach (var metric in metrics) json.WriteStringValue(metric);
            json.WriteEndArray();
        });
        return ExitCodes.Success;
    }

    static void Save(IReadOnlyList<LineChart> charts, string output)
    {
        if (charts.Count == 1)
        {
            charts[0].Save(output, PanelWidth, PanelHeight);
            return;
        }
        const int Columns = 2;
        new Panels { Charts = charts, Columns = Columns }.Save(output, Columns * PanelWidth, (charts.Count + Columns - 1) / Columns * PanelHeight);
    }

    double Smooth(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Texts(_smooth) is not [var text, ..]) return 0;
        if (double.TryParse(text, CultureInfo.InvariantCulture, out var weight) && weight is >= 0 and < 1) return weight;
        faults.Add(new($"--smooth = {text}", "expected a number from 0 to below 1, such as 0.9"));
        return 0;
    }

    PlotAxis Axis(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Texts(_x) is not [var text, ..]) return PlotAxis.Step;
        if (Enum.TryParse<PlotAxis>(text, ignoreCase: true, out var axis) && Enum.IsDefined(axis)) return axis;
        faults.Add(new($"--x = {text}", "allowed: step, epoch, seconds"));
        return PlotAxis.Step;
    }

    /// <summary>A run's name in a legend: its path, without the folder all runs lie in.</summary>
    static string NameOf(string folder)
    {
        var shown = RunFolders.Shown(folder).Replace('\\', '/');
        return shown.StartsWith("runs/", StringComparison.Ordinal) ? shown["runs/".Length..] : Path.IsPathRooted(shown) ? Path.GetFileName(shown) : shown;
    }
}
