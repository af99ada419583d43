using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace Raijin.Cli;

/// <summary><c>raijin fit TASK</c>: trains, afresh or on from a run's last good checkpoint.</summary>
sealed class FitCommand : CliCommand
{
    readonly LearningTask _task;
    readonly ConfigOptions _config;
    readonly Option<string> _resume = new("--resume")
    {
        Description = "Go on from the last good checkpoint of this run, or of the newest; afresh when there is none",
        HelpName = "DIR",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>Trains <paramref name="task"/>.</summary>
    public FitCommand(LearningTask task) : base(task.Name, task.Summary)
    {
        _task = task;
        _config = new ConfigOptions(this, task);
        Options.Add(_resume);
    }

    /// <inheritdoc/>
    public override LearningTask Task => _task;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        $"raijin fit {_task.Name}{_task.RequiredArguments}",
        $"raijin fit {_task.Name}{_task.RequiredArguments} --model.hidden 256 --trainer.maxEpochs 50 --seed 1",
        $"raijin fit {_task.Name} --resume",
    ];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var resume = invocation.Texts(_resume);
        var config = _config.Resolve(invocation);
        var folder = (resume is [var given, ..] ? given : null) ?? config.Options.Trainer.Output;
        if (folder is null && resume is not null && (folder = RunFolders.Newest(_task.Name)) is null)
            invocation.Terminal.Human.Write($"Nothing to resume below runs/{_task.Name}: starting afresh.\n");
        folder ??= RunFolders.Next(_task.Name);
        if (resume is not null && RunFolders.SavedConfig(folder) is { } saved) config = _config.Resolve(invocation, saved);

        var result = Fit(config, folder, resume is not null, invocation.Terminal);
        Print(result, invocation.Terminal);
        JsonReport.Write(invocation.Terminal, $"fit {_task.Name}", result.ExitCode, json => WriteJson(json, result));
        return result.ExitCode;
    }

    FitResult Fit(ResolvedConfig<TaskOptions> config, string folder, bool resume, Terminal terminal)
    {
        var options = config.Options;
        List<Callback> callbacks = [new SaveConfig(config.Tree)];
        if (options.Trainer.Checkpoints) callbacks.Add(options.Checkpoint.ToCallback());
        if (options.EarlyStopping is { } stopping) callbacks.Add(stopping.ToCallback());
        var trainer = new Trainer(options.Trainer with { Output = folder, Callbacks = callbacks, Console = terminal.Progress });
        try
        {
            return trainer.Fit(_task.CreateModel(options), _task.LoadData(options), resume ? Resume.Last : Resume.None);
        }
        catch (InvalidOptionsException error)
        {
            throw new InvalidOptionsException(config.Locate(error.Faults));
        }
    }

    void Print(FitResult result, Terminal terminal)
    {
        var rows = result.Metrics.Select(metric => (metric.Key, RunReport.Number(metric.Value))).ToList();
        if (result.BestCheckpoint is { } best) rows.Add(("checkpoint", RunFolders.Shown(best)));
        if (result.LastCheckpoint is { } last && last != result.BestCheckpoint) rows.Add(("last checkpoint", RunFolders.Shown(last)));
        rows.AddRange(result.Logs.Select(log => ("log", RunFolders.Shown(log))));
        RunReport.Print(terminal.Human, FormattableString.Invariant($"Trained {result.Steps:N0} steps in {result.Elapsed.TotalSeconds:F1} s ({result.StepsPerSecond:N0} steps/s): {result.StopReason}."), rows);
        if (result.ExitCode != ExitCodes.Success && result.Directory is { } folder)
            RunReport.PrintHint(terminal.Human, "Saved. Go on with", $"raijin fit {_task.Name} --resume {RunFolders.Shown(folder)}");
    }

    void WriteJson(Utf8JsonWriter json, FitResult result)
    {
        json.WriteString("task", _task.Name);
        json.WriteMeasures("metrics", result.Metrics);
        json.WriteString("checkpoint", result.BestCheckpoint);
        json.WriteString("lastCheckpoint", result.LastCheckpoint);
        json.WriteString("logDirectory", result.Directory);
        json.WriteStartArray("logs");
        foreach (var log in result.Logs) json.WriteStringValue(log);
        json.WriteEndArray();
        json.WriteNumber("epochs", result.Epochs);
        json.WriteNumber("steps", result.Steps);
        json.WriteNumber("stepsHere", result.StepsHere);
        json.WriteNumber("samples", result.Samples);
        json.WriteMeasure("seconds", result.Elapsed.TotalSeconds);
        json.WriteMeasure("stepsPerSecond", result.StepsPerSecond);
        json.WriteNumber("peakMemoryBytes", RunReport.PeakMemoryBytes());
        json.WriteString("stopReason", result.StopReason);
    }
}
