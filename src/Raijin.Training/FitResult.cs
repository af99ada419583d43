using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Raijin.Collectives;

namespace Raijin;

/// <summary>What came out of a fit.</summary>
public sealed record FitResult
{
    /// <summary>The last value of everything logged for an epoch or a validation, by key.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The checkpoint ranked best by its <see cref="ModelCheckpoint.Monitor"/>; the last one where nothing is monitored; null where nothing was saved.</summary>
    public required string? BestCheckpoint { get; init; }

    /// <summary>The newest checkpoint; null where nothing was saved.</summary>
    public required string? LastCheckpoint { get; init; }

    /// <summary>The run's folder; null for a fast development run.</summary>
    public required string? Directory { get; init; }

    /// <summary>Files the loggers wrote.</summary>
    public required IReadOnlyList<string> Logs { get; init; }

    /// <summary>Optimizer steps done, those of earlier parts of a resumed run included.</summary>
    public required long Steps { get; init; }

    /// <summary>Optimizer steps this process did.</summary>
    public required long StepsHere { get; init; }

    /// <summary>Epochs begun.</summary>
    public required long Epochs { get; init; }

    /// <summary>Samples trained on.</summary>
    public required long Samples { get; init; }

    /// <summary>Training time, earlier parts of a resumed run included.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Optimizer steps a second, of this process, validation and saving included.</summary>
    public required double StepsPerSecond { get; init; }

    /// <summary>Why training stopped.</summary>
    public required string StopReason { get; init; }

    /// <summary>The signal that ended it early; null when none did.</summary>
    public PosixSignal? Signal { get; init; }

    /// <summary>What it took of each rank; null where one trained alone.</summary>
    public RankUsage? Ranks { get; init; }

    /// <summary>What calls between ranks took, as this rank saw them; null without <see cref="TrainerOptions.LogCollectives"/>, or where one trained alone.</summary>
    public CommsReport? Comms { get; init; }

    /// <summary>What the process should exit with: 0, 130 after Ctrl-C, 143 after SIGTERM.</summary>
    public int ExitCode => Signal switch
    {
        PosixSignal.SIGINT => 130,
        PosixSignal.SIGTERM => 143,
        _ => 0,
    };

    internal static FitResult Of(RunPlan plan, TrainingRun run, string ended, PosixSignal? signal, IReadOnlyList<CheckpointInfo> checkpoints, IReadOnlyList<Callback> callbacks, IReadOnlyList<RunLogger> loggers)
    {
        var last = checkpoints.MaxBy(c => c.Step);
        var monitor = callbacks.OfType<ModelCheckpoint>().FirstOrDefault(c => c.Monitor is not null)?.Monitor;
        var best = monitor is null ? last : checkpoints.Where(c => c.Metrics.ContainsKey(monitor.Metric))
            .OrderByDescending(c => monitor.HigherIsBetter ? c.Metrics[monitor.Metric] : -c.Metrics[monitor.Metric]).ThenByDescending(c => c.Step).FirstOrDefault() ?? last;
        var here = run.Step - run.FirstStep;
        var seconds = run.Clock.Here.TotalSeconds;
        return new FitResult
        {
            Metrics = new Dictionary<string, double>(run.Metrics),
            BestCheckpoint = best?.Path,
            LastCheckpoint = last?.Path,
            Directory = plan.Directory,
            Logs = [.. loggers.Select(l => l.Location).OfType<string>()],
            Steps = run.Step,
            StepsHere = here,
            Epochs = run.Epoch + (run.Batch > 0 ? 1 : 0),
            Samples = run.Samples,
            Elapsed = run.Elapsed,
            StepsPerSecond = seconds > 0 ? here / seconds : 0,
            StopReason = ended,
            Signal = signal,
            Ranks = run.RankUsage,
            Comms = run.Comms,
        };
    }

    /// <summary>A table, a line for each metric and where things lie.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        var width = Math.Max(18, Metrics.Keys.Select(k => k.Length + 2).DefaultIfEmpty(0).Max());
        void Line(string name, string value) => text.Append("  ").Append(name.PadRight(width)).Append(value).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"Trained {Steps:N0} steps in {Elapsed.TotalSeconds:F1} s ({StepsPerSecond:N0} steps/s): {StopReason}.\n");
        foreach (var (key, value) in Metrics) Line(key, value.ToString("G5", CultureInfo.InvariantCulture));
        if (BestCheckpoint is not null) Line("best checkpoint", BestCheckpoint);
        if (LastCheckpoint is not null && LastCheckpoint != BestCheckpoint) Line("last checkpoint", LastCheckpoint);
        foreach (var log in Logs) Line("log", log);
        return text.ToString().TrimEnd('\n');
    }
}
