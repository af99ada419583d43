using System.CommandLine;
using System.Text.Json;
using Raijin.Collectives;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin fit TASK</c>: trains, afresh or on from a run's last good checkpoint.</summary>
sealed class FitCommand : TaskCommand
{
    readonly Option<string> _resume = new("--resume")
    {
        Description = "Go on from the last good checkpoint of this run, or of the newest; afresh when there is none",
        HelpName = "DIR",
        Arity = ArgumentArity.ZeroOrOne,
    };

    readonly Option<string> _deepspeed = new("--deepspeed") { Description = "A ds_config.json; its first lines say what becomes of it", HelpName = "FILE" };

    // For a search, which follows its trials.
    readonly Option<string> _reports = new(TrialReports.Option) { Hidden = true };

    /// <summary>Trains <paramref name="task"/>.</summary>
    public FitCommand(LearningTask task) : base("fit", "Trains", task)
    {
        Options.Add(_resume);
        Options.Add(_deepspeed);
        Options.Add(_reports);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        $"{Typed}{Learning.RequiredArguments}",
        $"{Typed}{Learning.RequiredArguments} --trainer.maxEpochs 50 --seed 1",
        $"{Typed} --resume",
        $"{Typed}{Learning.RequiredArguments} --deepspeed ds_config.json --devices 2",
        $"{Typed}{Learning.RequiredArguments} --devices 4 --max-restarts 3",
    ];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var resume = invocation.Texts(_resume);
        var deepspeed = DeepSpeedFit.Of(invocation, invocation.Text(_deepspeed), Config, Learning, complete: resume is null);
        var config = Config.Resolve(invocation, complete: resume is null, imported: deepspeed?.Layer);
        var trainer = config.Options.Trainer;
        var folder = invocation.Text(_resume) ?? trainer.Output;
        if (folder is null && RankProcess.MaxRestarts > 0)
            InvalidOptionsException.ThrowIfAny([new("--output", "is missing: ranks that are started again go on from the checkpoints in the run's folder, so name it")]);
        // Several ranks begin here, before any of them has done a thing. Those that are started from here are told the folder that a restart goes on in.
        var world = RankWorld.Of(trainer, launch => folder is not null || trainer.MaxRestarts == 0 ? launch
            : launch with { Command = [.. launch.Command, "--output", (resume is null ? null : RunFolders.Newest(Learning.Runs)) ?? RunFolders.Next(Learning.Runs)] });
        if (folder is null && resume is not null && (folder = RunFolders.Newest(Learning.Runs)) is null)
            invocation.Terminal.Human.Write($"Nothing to resume below {Learning.Runs}: starting afresh.\n");
        folder ??= RunFolders.Next(Learning.Runs);
        // The first one chooses for all.
        if (world is not null) folder = world.Group.BroadcastText(world.Rank == 0 ? folder : null, 0);
        if (resume is not null) config = Config.Resolve(invocation, RunFolders.SavedConfig(folder), imported: deepspeed?.Layer);
        if (world is null or { Rank: 0 }) deepspeed?.Print(invocation.Terminal.Human);

        var result = Fit(config, folder, resume is not null || RankProcess.Restart > 0, invocation, deepspeed);
        if (world is { Rank: > 0 }) return result.ExitCode;
        Print(result, invocation);
        JsonReport.Write(invocation.Terminal, Reported, result.ExitCode, json => WriteJson(json, result));
        return result.ExitCode;
    }

    FitResult Fit(ResolvedConfig<TaskConfig> config, string folder, bool resume, Invocation invocation, DeepSpeedFit? deepspeed)
    {
        var options = config.Options;
        List<Callback> callbacks = [.. options.Trainer.Callbacks, new SaveConfig(config.Tree)];
        if (options.Trainer.Checkpoints) callbacks.Add(options.Checkpoint.ToCallback());
        if (options.EarlyStopping is { } stopping) callbacks.Add(stopping.ToCallback());
        if (invocation.Text(_reports) is { } reports) callbacks.Add(new TrialReports(reports));
        var trainer = options.Trainer with { Output = folder, Callbacks = callbacks, Console = invocation.Terminal.Progress };
        if (deepspeed is not null) trainer = deepspeed.Over(trainer);
        try
        {
            return Learning.Fit(options, trainer, resume ? Resume.Last : Resume.None);
        }
        catch (InvalidOptionsException error)
        {
            throw new InvalidOptionsException(config.Locate(error.Faults));
        }
    }

    void Print(FitResult result, Invocation invocation)
    {
        var terminal = invocation.Terminal;
        var rows = result.Metrics.Select(metric => (metric.Key, RunReport.Number(metric.Value))).ToList();
        if (result.BestCheckpoint is { } best) rows.Add(("checkpoint", RunFolders.Shown(best)));
        if (result.LastCheckpoint is { } last && last != result.BestCheckpoint) rows.Add(("last checkpoint", RunFolders.Shown(last)));
        rows.AddRange(result.Logs.Select(log => ("log", RunFolders.Shown(log))));
        RunReport.Print(terminal.Human, FormattableString.Invariant($"Trained {result.Steps:N0} steps in {result.Elapsed.TotalSeconds:F1} s ({result.StepsPerSecond:N0} steps/s): {result.StopReason}."), rows);
        if (result.Ranks is { } usage) UsageReport.Print(terminal.Human, usage);
        if (result.ExitCode != ExitCodes.Success && result.Directory is { } folder)
            RunReport.PrintHint(terminal.Human, "Saved. Go on with", invocation.App.AsTyped($"{Typed} --resume ") + RunFolders.Shown(folder));
    }

    void WriteJson(Utf8JsonWriter json, FitResult result)
    {
        json.WriteString("task", Learning.Name);
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
