using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin metrics --task KIND FILE.csv</c>: measures anyone's predictions: a table, pictures and, with <c>--json</c>, every metric by its class's name.</summary>
sealed class MetricsCommand : CliCommand
{
    const int PictureWidth = 820;
    const int PictureHeight = 620;

    readonly Argument<string> _file = new("FILE") { Description = "A CSV file with predictions and targets" };
    readonly Option<string> _task = new("--task") { Description = "binary, multiclass, multilabel or regression", HelpName = "KIND", Required = true };
    readonly Option<string> _threshold = new("--threshold") { Description = "A probability above it means 1: binary and multilabel (default: 0.5)", HelpName = "P" };
    readonly Option<int?> _classes = new("--classes") { Description = "How many classes there are: multiclass (default: those that appear)", HelpName = "N" };
    readonly Option<string> _output = new("--output") { Description = "The folder for pictures (default: FILE without .csv, and -metrics)", HelpName = "FOLDER" };
    readonly Option<bool> _noPlots = new("--no-plots") { Description = "Draws no pictures" };

    /// <summary>Makes the command.</summary>
    public MetricsCommand() : base("metrics", "Measures the predictions in a file")
    {
        Arguments.Add(_file);
        foreach (var option in (Option[])[_task, _threshold, _classes, _output, _noPlots]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin metrics --task binary predictions.csv", "raijin metrics --task multiclass predictions.csv --json --no-plots"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var kind = Kind(invocation, faults);
        var threshold = Threshold(invocation, kind, faults);
        var classes = invocation.Get(_classes);
        if (classes is < 2) faults.Add(new($"--classes = {classes}", "allowed: 2 and more"));
        if (classes is not null && kind is not (null or PredictionKind.Multiclass)) faults.Add(new("--classes", "belongs to --task multiclass"));
        var file = invocation.Get(_file);
        if (file is not null && !File.Exists(file)) faults.Add(new($"FILE = {file}", "does not exist"));
        InvalidOptionsException.ThrowIfAny(faults);

        using var table = PredictionTable.Read(file!, kind!.Value, classes);
        var measured = MeasuredMetrics.Of(table, kind.Value, threshold);
        var pictures = invocation.Get(_noPlots) ? [] : Draw(measured, Path.GetFullPath(invocation.Get(_output) ?? Path.ChangeExtension(file!, null) + "-metrics"));
        Print(invocation.Terminal.Human, table, measured, pictures);
        Report(invocation.Terminal, kind.Value, table, measured, pictures);
        return ExitCodes.Success;
    }

    static List<string> Draw(MeasuredMetrics measured, string folder)
    {
        var paths = new List<string>();
        foreach (var (name, chart) in measured.Pictures)
        {
            var path = Path.Combine(folder, name + ".png");
            chart.Save(path, PictureWidth, PictureHeight);
            paths.Add(path);
        }
        return paths;
    }

    static void Print(IAnsiConsole console, PredictionTable table, MeasuredMetrics measured, List<string> pictures)
    {
        console.Write($"{table.Count.ToString("n0", CultureInfo.InvariantCulture)} rows{(table.Classes > 2 ? FormattableString.Invariant($", {table.Classes} classes") : "")}{(table.Weights is null ? "" : ", weighted")}\n\n");
        // Variants of one metric stand side by side.
        var variants = measured.Measures.Select(m => m.Variant).Where(v => v is "macro" or "micro" or "weighted").Distinct().ToList();
        var listing = new Listing([Palette.Quiet, "", .. variants.Select(_ => "")]);
        if (variants.Count > 0) listing.AddMarked(Palette.Heading, ["metric", "", .. variants]);
        foreach (var metric in measured.Measures.GroupBy(m => m.Metric + (variants.Contains(m.Variant) || m.Variant.Length == 0 ? "" : $" ({m.Variant})")))
        {
            var values = metric.ToDictionary(m => variants.Contains(m.Variant) ? m.Variant : "", m => Number(m.Value));
            listing.Add([metric.Key, values.GetValueOrDefault("", ""), .. variants.Select(v => values.GetValueOrDefault(v, ""))]);
        }
        listing.Print(console);
        if (pictures.Count > 0) console.Write($"\n{(pictures.Count == 1 ? "1 picture" : FormattableString.Invariant($"{pictures.Count} pictures"))} in {RunFolders.Shown(Path.GetDirectoryName(pictures[0])!)}: {string.Join(", ", pictures.Select(Path.GetFileName))}\n");
    }

    static void Report(Terminal terminal, PredictionKind kind, PredictionTable table, MeasuredMetrics measured, List<string> pictures) =>
        JsonReport.Write(terminal, "metrics", ExitCodes.Success, json =>
        {
            json.WriteString("task", kind.ToString().ToLowerInvariant());
            json.WriteNumber("rows", table.Count);
            if (table.Classes > 0) json.WriteNumber("classes", table.Classes);
            // The first variant also under the metric's own name.
            json.WriteMeasures("metrics", measured.Measures.GroupBy(m => m.Metric).SelectMany(g => (IEnumerable<KeyValuePair<string, double>>)[
                new(g.Key, g.First().Value), .. g.Where(m => m.Variant.Length > 0).Select(m => KeyValuePair.Create($"{g.Key}/{m.Variant}", m.Value))]));
            json.WriteStartObject("perClass");
            foreach (var (name, values) in measured.PerClass)
            {
                json.WriteStartArray(name);
                foreach (var value in values)
                {
                    if (double.IsFinite(value)) json.WriteNumberValue(value);
                    else json.WriteNullValue();
                }
                json.WriteEndArray();
            }
            json.WriteEndObject();
            if (measured.Confusion is { } confusion) WriteMatrix(json, "confusion", confusion);
            json.WriteStartArray("pictures");
            foreach (var path in pictures) json.WriteStringValue(path);
            json.WriteEndArray();
        });

    static void WriteMatrix(Utf8JsonWriter json, string name, double[,] matrix)
    {
        json.WriteStartArray(name);
        for (var row = 0; row < matrix.GetLength(0); row++)
        {
            json.WriteStartArray();
            for (var column = 0; column < matrix.GetLength(1); column++) json.WriteNumberValue(matrix[row, column]);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    PredictionKind? Kind(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Text(_task) is not { } text) return null;
        if (Enum.GetNames<PredictionKind>().Contains(text, StringComparer.OrdinalIgnoreCase)) return Enum.Parse<PredictionKind>(text, ignoreCase: true);
        faults.Add(new($"--task = {text}", "allowed: binary, multiclass, multilabel, regression"));
        return null;
    }

    double Threshold(Invocation invocation, PredictionKind? kind, List<OptionFault> faults)
    {
        if (invocation.Text(_threshold) is not { } text) return 0.5;
        if (kind is not (null or PredictionKind.Binary or PredictionKind.Multilabel)) faults.Add(new("--threshold", "belongs to --task binary and multilabel"));
        if (double.TryParse(text, CultureInfo.InvariantCulture, out var threshold) && threshold is >= 0 and <= 1) return threshold;
        faults.Add(new($"--threshold = {text}", "expected a probability from 0 to 1"));
        return 0.5;
    }

    static string Number(double value) => double.IsNaN(value) ? "–" : value.ToString("g6", CultureInfo.InvariantCulture);
}
