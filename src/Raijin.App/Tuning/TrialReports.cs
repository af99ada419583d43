using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>
/// What a trial of a search tells the searching process: a JSON line for each validation, written before training goes on, whatever loggers the run has. A resumed trial drops
/// what was reported after its checkpoint.
/// </summary>
sealed class TrialReports(string path) : Callback
{
    /// <summary>The option that asks for them.</summary>
    public const string Option = "--trial-reports";

    public override void OnFitStart(TrainingRun run)
    {
        var kept = Read(path).Where(report => report.Step <= run.Step && !report.IsExtra).ToList();
        File.WriteAllLines(path, kept.Select(Line));
    }

    public override void OnValidationEnd(EvalEpoch epoch)
    {
        if (epoch is not { Phase: EvalPhase.Validation, Run: { } run }) return;
        File.AppendAllText(path, Line(new TrialReport(run.Step, epoch.IsExtra, epoch.Metrics)) + "\n");
    }

    /// <summary>The whole lines of a file of reports; none where there is no file yet.</summary>
    public static IReadOnlyList<TrialReport> Read(string path)
    {
        if (!File.Exists(path)) return [];
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        var lines = file.ReadToEnd().Split('\n');
        return [.. lines[..^1].Select(Parse)]; // what follows the last line's end is empty, or half a line
    }

    static TrialReport Parse(string line)
    {
        var report = JsonNode.Parse(line)!.AsObject();
        return new((long)report["step"]!, (bool)report["extra"]!, report["metrics"]!.AsObject().ToDictionary(
            metric => metric.Key, metric => metric.Value is JsonValue value && value.TryGetValue<double>(out var number) ? number : double.NaN));
    }

    static string Line(TrialReport report)
    {
        var metrics = new JsonObject();
        foreach (var (key, value) in report.Metrics) metrics[key] = double.IsFinite(value) ? value : null;
        return new JsonObject { ["step"] = report.Step, ["extra"] = report.IsExtra, ["metrics"] = metrics }.ToJsonString(JsonSerializerOptions.Default);
    }
}

/// <summary>One validation of a trial.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="IsExtra">Whether it is the one that the end of a fit adds, which a resumed trial does not count.</param>
/// <param name="Metrics">Everything logged so far, its latest values.</param>
sealed record TrialReport(long Step, bool IsExtra, IReadOnlyDictionary<string, double> Metrics);
