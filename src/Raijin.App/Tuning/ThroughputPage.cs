using System.Globalization;
using System.Text.Json;
using Raijin.Charts;
using Spectre.Console;

namespace Raijin.App;

/// <summary>A search for throughput on the terminal, as a picture and as JSON.</summary>
/// <param name="console">Where it is printed.</param>
/// <param name="globalBatch">Samples of a step.</param>
sealed class ThroughputPage(IAnsiConsole console, int globalBatch)
{
    const int Shown = 12;

    /// <summary>Says how a trial ended.</summary>
    public void PrintTrial(ThroughputTrial trial)
    {
        var (mark, style) = trial.State switch
        {
            ThroughputState.Measured => ("✓", Palette.Good),
            ThroughputState.Stopped => ("↓", Palette.Warn),
            _ => ("✗", Palette.Bad),
        };
        console.MarkupLine($"  {mark.In(style)} {Markup.Escape(trial.Seconds is { } seconds ? Milliseconds(seconds) : trial.Problem ?? "")}  {Words(trial.Candidate).In(Palette.Quiet)}");
    }

    /// <summary>Prints what was tried, and the most promising of the rest.</summary>
    public void PrintEnd(FoundThroughput found)
    {
        console.Write("\n");
        console.MarkupLine(Count(found.Trials).In(Palette.Heading));
        var table = new Listing(Palette.Typed, "", "", "", "", "", "", "", Palette.Quiet);
        table.AddMarked(Palette.Quiet, ["strategy", "microbatch", "accumulate", "predicted", "measured", "samples/s", "predicted MB", "at most MB", ""]);
        foreach (var trial in found.Trials.Take(Shown))
        {
            var (candidate, seconds) = (trial.Candidate, trial.Seconds);
            table.AddMarked(trial == found.Best ? Palette.Good : Palette.Typed,
                [
                    Strategy(candidate), Text(candidate.MicroBatch), Text(candidate.Accumulation), Milliseconds(trial.PredictedSeconds), seconds is { } known ? Milliseconds(known) : "-",
                    seconds is { } time ? (globalBatch / time).ToString("N1", CultureInfo.InvariantCulture) : "-", Megabytes(trial.PredictedBytes), trial.Bytes is { } bytes ? Megabytes(bytes) : "-", Remark(trial, found),
                ]);
        }
        table.Print(console);
        if (found.Trials.Count > Shown) console.MarkupLine($"  {$"and {Text(found.Trials.Count - Shown)} more".In(Palette.Quiet)}");
    }

    /// <summary>Draws what was predicted of each trial, and measured.</summary>
    public static void SavePicture(string path, FoundThroughput found)
    {
        var measured = found.Trials.Where(t => t.Seconds is not null).ToList();
        if (measured.Count == 0) return;
        new ScatterChart
        {
            Title = "Seconds of a step",
            XLabel = "predicted",
            YLabel = "measured",
            Diagonal = true,
            Points =
            [
                Points("measured", measured.Where(t => t.State == ThroughputState.Measured && t != found.Best)),
                Points("stopped early", measured.Where(t => t.State == ThroughputState.Stopped)),
                Points("best", measured.Where(t => t == found.Best)),
            ],
        }.Save(path);

        static PointSet Points(string name, IEnumerable<ThroughputTrial> trials)
        {
            var all = trials.ToList();
            return new(name, all.ConvertAll(t => t.PredictedSeconds), all.ConvertAll(t => t.Seconds!.Value));
        }
    }

    /// <summary>Writes everything.</summary>
    public void WriteJson(Utf8JsonWriter json, FoundThroughput found)
    {
        json.WriteNumber("globalBatch", globalBatch);
        json.WriteStartArray("trials");
        foreach (var trial in found.Trials)
        {
            json.WriteStartObject();
            json.WriteBoolean("best", trial == found.Best);
            json.WriteString("state", RecordShape.CamelCase(trial.State.ToString()));
            json.WriteNumber("microBatch", trial.Candidate.MicroBatch);
            json.WriteNumber("accumulation", trial.Candidate.Accumulation);
            json.WriteNumber("stage", trial.Candidate.Stage);
            json.WriteNumber("unitBytes", trial.Candidate.UnitBytes);
            json.WriteNumber("offloadRatio", trial.Candidate.OffloadRatio);
            if (trial.Candidate.Threads is { } threads) json.WriteNumber("threads", threads);
            else json.WriteNull("threads");
            json.WriteBoolean("recompute", trial.Candidate.Recompute);
            json.WriteMeasure("predictedSeconds", trial.PredictedSeconds);
            json.WriteMeasure("seconds", trial.Seconds ?? double.NaN);
            json.WriteNumber("predictedBytes", trial.PredictedBytes);
            json.WriteMeasure("bytes", trial.Bytes ?? double.NaN);
            json.WriteString("problem", trial.Problem);
            json.WriteMeasure("trialSeconds", trial.TrialSeconds ?? double.NaN);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static string Count(IReadOnlyList<ThroughputTrial> trials) => string.Join(", ", trials.GroupBy(t => t.State).OrderByDescending(g => g.Key == ThroughputState.Measured).ThenBy(g => g.Key).Select(g => $"{Text(g.Count())} {g.Key switch
    {
        ThroughputState.Measured => "measured",
        ThroughputState.Stopped => "stopped early",
        ThroughputState.Failed => "failed",
        ThroughputState.TooLarge => "too large",
        _ => "not measured",
    }}"));

    static string Remark(ThroughputTrial trial, FoundThroughput found) => trial.State switch
    {
        ThroughputState.Failed => trial.Problem ?? "",
        ThroughputState.Stopped => "stopped early",
        ThroughputState.TooLarge => "too large",
        _ => trial == found.Best ? "best" : "",
    };

    static string Words(ThroughputCandidate candidate) => $"{Strategy(candidate)}, {Text(candidate.MicroBatch)} × {Text(candidate.Accumulation)}";

    static string Strategy(ThroughputCandidate candidate) =>
        candidate.Strategy(Zero.Stage0, "").ToString().Split(',')[0]
        + (candidate.UnitBytes != Zero.Stage0.UnitBytes ? $", units of {Megabytes(candidate.UnitBytes)} MB" : "")
        + (candidate.OffloadRatio > 0 ? FormattableString.Invariant($", {candidate.OffloadRatio:P0} on disk") : "")
        + (candidate.Threads is { } threads ? $", {Text(threads)} threads" : "")
        + (candidate.Recompute ? ", recomputed" : "");

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    static string Milliseconds(double seconds) => (seconds * 1e3).ToString("F1", CultureInfo.InvariantCulture) + " ms";

    static string Megabytes(long bytes) => (bytes / 1e6).ToString("N1", CultureInfo.InvariantCulture);
}
