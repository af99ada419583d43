using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin predict TASK --to FILE</c>: writes a trained model's answers, a row for each sample, as the file's ending says.</summary>
sealed class PredictCommand : TaskCommand
{
    readonly TrainedWeights _weights;
    readonly Option<string> _to = new("--to") { Description = "Where the answers go: .jsonl, .csv or .npy (default: predictions.jsonl)", HelpName = "FILE" };

    /// <summary>Predicts with <paramref name="task"/>.</summary>
    public PredictCommand(LearningTask task) : base("predict", "Writes a trained model's answers to a file", task)
    {
        _weights = new TrainedWeights(this, task, Config);
        Options.Add(_to);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} --to answers.csv", $"{Typed} --run {Learning.Runs}/1 --to answers.npy"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var path = invocation.Text(_to) ?? "predictions.jsonl";
        if (Path.GetExtension(path).ToLowerInvariant() is not (".jsonl" or ".csv" or ".npy")) invocation = invocation.WithFault(new($"--to = {path}", "allowed endings: .jsonl, .csv, .npy"));
        var (config, checkpoint) = _weights.Resolve(invocation);

        var clock = Stopwatch.StartNew();
        using var file = new PredictionFile(path);
        Learning.Predict(config, config.Trainer with { Console = invocation.Terminal.Progress }, checkpoint, file);
        if (RankWorld.Of(config.Trainer) is { Rank: > 0 }) return ExitCodes.Success;
        var samples = file.Samples;
        invocation.Terminal.Human.Write(string.Create(CultureInfo.InvariantCulture, $"Wrote {samples:N0} answers of {RunFolders.Shown(checkpoint)} to {path}.\n"));
        JsonReport.Write(invocation.Terminal, Reported, ExitCodes.Success, json =>
        {
            json.WriteString("task", Learning.Name);
            json.WriteString("checkpoint", Path.GetFullPath(checkpoint));
            json.WriteString("predictions", Path.GetFullPath(path));
            json.WriteNumber("samples", samples);
            json.WriteMeasure("seconds", clock.Elapsed.TotalSeconds);
            json.WriteNumber("peakMemoryBytes", RunReport.PeakMemoryBytes());
        });
        return ExitCodes.Success;
    }
}
