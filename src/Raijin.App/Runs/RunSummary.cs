using System.ComponentModel;
using System.Diagnostics;
using Raijin.Training;

namespace Raijin.App;

/// <summary>What a list of runs says of one.</summary>
/// <param name="Name">Its folder, as a person wants to read it.</param>
/// <param name="Folder">Its folder's full path.</param>
/// <param name="Status"><c>running</c>, <c>finished</c>, <c>interrupted</c>, <c>failed</c>, <c>killed</c>; <c>unknown</c> where the run left no card.</param>
/// <param name="Started">When it began; null where that is not known.</param>
/// <param name="Steps">Optimizer steps done.</param>
/// <param name="Duration">Training time.</param>
/// <param name="Metric">What it is ranked by; null where nothing was logged.</param>
/// <param name="Best">The best value of that, and where; null where there is none.</param>
sealed record RunSummary(string Name, string Folder, string Status, DateTimeOffset? Started, long Steps, TimeSpan Duration, Best? Metric, SeriesPoint? Best)
{
    const string Killed = "killed";
    const string Unknown = "unknown";

    /// <summary>How deep below a folder runs are looked for: <c>runs/TASK/NUMBER</c>.</summary>
    const int Depth = 3;

    static readonly string[] SmallerIsBetter = ["loss", "error", "perplexity", "mae", "mse", "rmse", "nll"];

    /// <summary>The runs below a folder, or the folder itself when it is one, the newest last.</summary>
    /// <param name="metric">What to rank by; null for what each run's checkpoints are ranked by, or the most telling value it logged.</param>
    public static IReadOnlyList<RunSummary> Find(string root, string? metric) =>
        [.. FoldersBelow(root, Depth).Select(folder => Of(folder, metric)).OrderBy(run => run.Started ?? DateTimeOffset.MinValue).ThenBy(run => run.Name, StringComparer.Ordinal)];

    /// <summary>Whether a folder is a run's.</summary>
    public static bool IsRun(string folder) =>
        File.Exists(Path.Combine(folder, RunCard.FileName)) || RunFolders.SavedConfig(folder) is not null || Directory.Exists(RunFolders.Checkpoints(folder)) || LogFile.Find(folder) is not null;

    /// <summary>Looks at one run.</summary>
    public static RunSummary Of(string folder, string? metric)
    {
        var card = RunCard.Read(folder);
        var series = RunSeries.Read(folder);
        var rank = metric is not null ? Direction(metric) : card?.Monitor is { } monitor && Raijin.Best.TryParse(monitor, null, out var watched) ? watched : MostTelling(series);
        // An epoch's value before a step's: it is of more samples.
        var best = rank is null ? null : series.Where(s => s.Key == rank.Metric).OrderByDescending(s => s.Scope).FirstOrDefault()?.Best(rank.HigherIsBetter);
        var last = series.SelectMany(s => s.Points.TakeLast(1)).MaxBy(p => p.Step);
        // A card is written at the start and at the end: what lies between is in the log.
        var steps = Math.Max(card?.Steps ?? 0, last?.Step ?? 0);
        var seconds = Math.Max(card?.Seconds ?? 0, last?.Seconds ?? 0);
        return new RunSummary(RunFolders.Shown(folder), folder, StatusOf(card), card?.Started, steps, TimeSpan.FromSeconds(seconds), rank, best);
    }

    /// <summary>A metric by its name; smaller is better where the name says that it is a loss.</summary>
    public static Best Direction(string metric) => SmallerIsBetter.Any(word => metric.Contains(word, StringComparison.OrdinalIgnoreCase)) ? Raijin.Best.Min(metric) : Raijin.Best.Max(metric);

    static Best? MostTelling(IReadOnlyList<RunSeries> series)
    {
        string[] order = ["val/accuracy", "val/loss", "train/loss"];
        var key = order.FirstOrDefault(k => series.Any(s => s.Key == k)) ?? series.FirstOrDefault(s => s.Key.StartsWith("val/", StringComparison.Ordinal))?.Key ?? (series.Count > 0 ? series[0].Key : null);
        return key is null ? null : Direction(key);
    }

    static string StatusOf(RunCard? card)
    {
        if (card is null) return Unknown;
        return card.Status == RunCard.Running && card.Host == Environment.MachineName && !IsAlive(card) ? Killed : card.Status;
    }

    static bool IsAlive(RunCard card)
    {
        try
        {
            using var process = Process.GetProcessById(card.ProcessId);
            return !process.HasExited;
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return false;
        }
    }

    static IEnumerable<string> FoldersBelow(string root, int depth)
    {
        if (IsRun(root)) return [root];
        return depth == 0 ? [] : Directory.EnumerateDirectories(root).SelectMany(folder => FoldersBelow(folder, depth - 1));
    }
}
