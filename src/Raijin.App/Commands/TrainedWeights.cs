using System.CommandLine;
using Raijin.Training;

namespace Raijin.App;

/// <summary>The options that say which trained weights a command uses, and with which configuration: those of a run, or of a checkpoint.</summary>
sealed class TrainedWeights
{
    readonly LearningTask _task;
    readonly ConfigOptions _config;
    readonly Option<string> _run = new("--run") { Description = "The run whose best checkpoint is taken (default: the newest run)", HelpName = "DIR" };
    readonly Option<string> _checkpoint = new("--checkpoint") { Description = "The checkpoint to take instead", HelpName = "PATH" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public TrainedWeights(Command command, LearningTask task, ConfigOptions config)
    {
        _task = task;
        _config = config;
        command.Options.Add(_run);
        command.Options.Add(_checkpoint);
    }

    /// <summary>The configuration of the run, with what was said since laid over it, and the path of its weights.</summary>
    /// <exception cref="InvalidOptionsException">The command line or a layer is wrong, or there is no such run; carries every fault.</exception>
    public (TaskConfig Config, string Checkpoint) Resolve(Invocation invocation)
    {
        var run = invocation.Text(_run);
        var checkpoint = invocation.Text(_checkpoint);
        if (run is not null && checkpoint is not null) invocation = invocation.WithFault(new("--checkpoint", "given beside --run; give the one that is meant"));
        run ??= checkpoint is null ? RunFolders.Newest(_task.Runs) : RunFolders.OfCheckpoint(checkpoint);
        if (checkpoint is null && run is null) invocation = invocation.WithFault(new("--run", $"needed: there is no run below {_task.Runs}"));
        var config = _config.Resolve(invocation, run is null ? null : RunFolders.SavedConfig(run)).Options;
        return (config, checkpoint ?? Best(run!, config.Checkpoint));
    }

    static string Best(string run, CheckpointOptions options)
    {
        using var store = new CheckpointStore(RunFolders.Checkpoints(run));
        var all = store.List().OrderByDescending(checkpoint => checkpoint.Step).ToList(); // of equals, the newest
        if (all.Count == 0) throw new InvalidOptionsException([new("--run", $"= {run} holds no checkpoint")]);
        var last = all[0];
        if (options.Monitor is not { } monitor) return last.Path;
        var ranked = all.Where(checkpoint => checkpoint.Metrics.ContainsKey(monitor.Metric));
        return ((monitor.HigherIsBetter ? ranked.MaxBy(Score) : ranked.MinBy(Score)) ?? last).Path;

        double Score(CheckpointInfo checkpoint) => checkpoint.Metrics[monitor.Metric];
    }
}
