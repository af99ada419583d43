namespace Raijin.App;

/// <summary><c>raijin validate TASK</c> and <c>raijin test TASK</c>: evaluates the weights of a checkpoint, with the configuration of its run.</summary>
sealed class EvaluateCommand : TaskCommand
{
    readonly RunStage _stage;
    readonly TrainedWeights _weights;

    /// <summary>Evaluates <paramref name="task"/> on the data of <paramref name="stage"/>.</summary>
    public EvaluateCommand(LearningTask task, RunStage stage)
        : base(stage == RunStage.Test ? "test" : "validate", $"Evaluates a trained model on {(stage == RunStage.Test ? "test" : "validation")} data", task)
    {
        _stage = stage;
        _weights = new TrainedWeights(this, task, Config);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [Typed, $"{Typed} --run {Learning.Runs}/1 --json"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var (config, checkpoint) = _weights.Resolve(invocation);
        var result = Learning.Evaluate(config, config.Trainer with { Console = invocation.Terminal.Progress }, _stage, checkpoint);
        if (RankWorld.Of(config.Trainer) is { Rank: > 0 }) return ExitCodes.Success;
        RunReport.Print(
            invocation.Terminal.Human,
            $"Evaluated {RunFolders.Shown(checkpoint)} on {(_stage == RunStage.Test ? "test" : "validation")} data:",
            result.Metrics.Select(metric => (metric.Key, RunReport.Number(metric.Value))));
        JsonReport.Write(invocation.Terminal, Reported, ExitCodes.Success, json =>
        {
            json.WriteString("task", Learning.Name);
            json.WriteMeasures("metrics", result.Metrics);
            json.WriteString("checkpoint", Path.GetFullPath(checkpoint));
            json.WriteNumber("samples", result.Samples);
            json.WriteMeasure("seconds", result.Elapsed.TotalSeconds);
            json.WriteNumber("peakMemoryBytes", RunReport.PeakMemoryBytes());
        });
        return ExitCodes.Success;
    }
}
