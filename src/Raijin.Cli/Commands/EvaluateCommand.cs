using System.CommandLine;
using System.Diagnostics;
using Raijin.Training;

namespace Raijin.Cli;

/// <summary><c>raijin validate TASK</c> and <c>raijin test TASK</c>: evaluates the weights of a checkpoint, with the configuration of its run.</summary>
sealed class EvaluateCommand : CliCommand
{
    readonly LearningTask _task;
    readonly EvaluationData _data;
    readonly ConfigOptions _config;
    readonly Option<string> _run = new("--run") { Description = "The run whose best checkpoint is taken (default: the newest run)", HelpName = "DIR" };
    readonly Option<string> _checkpoint = new("--checkpoint") { Description = "The checkpoint to take instead", HelpName = "PATH" };

    /// <summary>Evaluates <paramref name="task"/>.</summary>
    public EvaluateCommand(LearningTask task, EvaluationData data) : base(task.Name, task.Summary)
    {
        _task = task;
        _data = data;
        _config = new ConfigOptions(this, task);
        Options.Add(_run);
        Options.Add(_checkpoint);
    }

    /// <inheritdoc/>
    public override LearningTask Task => _task;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"raijin {Verb} {_task.Name}", $"raijin {Verb} {_task.Name} --run runs/{_task.Name}/1 --json"];

    string Verb => _data == EvaluationData.Validation ? "validate" : "test";

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var run = invocation.Texts(_run) is [var givenRun, ..] ? givenRun : null;
        var checkpoint = invocation.Texts(_checkpoint) is [var givenCheckpoint, ..] ? givenCheckpoint : null;
        if (run is not null && checkpoint is not null) invocation = invocation.WithFault(new("--checkpoint", "given beside --run; give the one that is meant"));
        run ??= checkpoint is null ? RunFolders.Newest(_task.Name) : RunFolders.OfCheckpoint(checkpoint);
        if (checkpoint is null && run is null) invocation = invocation.WithFault(new("--run", $"needed: there is no run below runs/{_task.Name}"));
        var config = _config.Resolve(invocation, run is null ? null : RunFolders.SavedConfig(run));
        checkpoint ??= Best(run!, config.Options);

        var clock = Stopwatch.StartNew();
        var metrics = Evaluate(config.Options, checkpoint, invocation.Terminal);
        RunReport.Print(
            invocation.Terminal.Human,
            $"Evaluated {RunFolders.Shown(checkpoint)} on {(_data == EvaluationData.Validation ? "validation" : "test")} data:",
            metrics.Select(metric => (metric.Key, RunReport.Number(metric.Value))));
        JsonReport.Write(invocation.Terminal, $"{Verb} {_task.Name}", ExitCodes.Success, json =>
        {
            json.WriteString("task", _task.Name);
            json.WriteMeasures("metrics", metrics);
            json.WriteString("checkpoint", Path.GetFullPath(checkpoint));
            json.WriteMeasure("seconds", clock.Elapsed.TotalSeconds);
            json.WriteNumber("peakMemoryBytes", RunReport.PeakMemoryBytes());
        });
        return ExitCodes.Success;
    }

    IReadOnlyDictionary<string, double> Evaluate(TaskOptions options, string checkpoint, Terminal terminal)
    {
        var trainer = new Trainer(options.Trainer with { Console = terminal.Progress });
        var model = _task.CreateModel(options);
        Trainer.LoadWeights(model, checkpoint);
        var data = _task.LoadData(options);
        return _data == EvaluationData.Validation
            ? trainer.Validate(model, data.Validation ?? throw None("validation")).Metrics
            : trainer.Test(model, data.Test ?? throw None("test")).Metrics;
    }

    InvalidOptionsException None(string kind) => new([new("data", $"{_task.Name} has no {kind} data with these options")]);

    static string Best(string run, TaskOptions options)
    {
        using var store = new CheckpointStore(RunFolders.Checkpoints(run));
        var all = store.List().OrderByDescending(checkpoint => checkpoint.Step).ToList(); // of equals, the newest
        if (all.Count == 0) throw new InvalidOptionsException([new("--run", $"= {run} holds no checkpoint")]);
        var last = all[0];
        if (options.Checkpoint.Monitor is not { } monitor) return last.Path;
        var ranked = all.Where(checkpoint => checkpoint.Metrics.ContainsKey(monitor.Metric));
        return ((monitor.HigherIsBetter ? ranked.MaxBy(Score) : ranked.MinBy(Score)) ?? last).Path;

        double Score(CheckpointInfo checkpoint) => checkpoint.Metrics[monitor.Metric];
    }
}

/// <summary>Which data is evaluated on.</summary>
enum EvaluationData
{
    /// <summary>What is held out while training.</summary>
    Validation,

    /// <summary>What is held out to the end.</summary>
    Test,
}
