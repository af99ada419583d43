// A logger and a callback of your own: a Markdown diary of the run, and a rule that ends it once it is good enough.
//   dotnet run -c Release --project samples/14_own_logger_callback -- [epochs]

using System.Globalization;
using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 20;
var diary = new MarkdownLogger();
var trainer = new Trainer(new()
{
    MaxEpochs = epochs,
    Loggers = [diary, new CsvLogger()],
    Callbacks = [new StopWhenGoodEnough("val/accuracy", atLeast: 0.97), new SlowestStep()],
});
Console.WriteLine(trainer.Fit(new DigitClassifier(), Digits.Load().Split(validation: 0.2).Batches(64)));
Console.WriteLine($"\n{File.ReadAllText(diary.Location!)}");

// snippet: callback
/// <summary>Ends training once a metric is good enough. A callback overrides the hooks it needs; the others cost nothing.</summary>
sealed class StopWhenGoodEnough(string metric, double atLeast) : Callback
{
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        if (epoch.Phase == EvalPhase.Validation && epoch.Metrics[metric] >= atLeast) epoch.RequestStop($"{metric} reached {atLeast:p0}");
    }
}
// end snippet

/// <summary>Logs the longest step of each epoch.</summary>
sealed class SlowestStep : Callback
{
    double _began, _slowest;

    public override void OnTrainBatchStart(TrainStep step) => _began = step.Run.Elapsed.TotalMilliseconds;

    public override void OnTrainStepEnd(TrainStep step) => _slowest = Math.Max(_slowest, step.Run.Elapsed.TotalMilliseconds - _began);

    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        epoch.Log("slowest step, ms", _slowest);
        _slowest = 0;
    }
}

// snippet: logger
/// <summary>Writes the results of each epoch as a line of a Markdown list. It is called on a thread of its own, so a slow disk holds nothing up.</summary>
sealed class MarkdownLogger : RunLogger
{
    StreamWriter? _writer;
    string? _path;

    public override string? Location => _path;

    public override void Open(string directory, long fromStep)
    {
        _path = Path.Combine(directory, "diary.md");
        _writer = new StreamWriter(_path, append: fromStep > 0);
    }

    public override void Write(LogRecord record)
    {
        if (record.Scope != LogScope.Epoch) return;
        var values = record.Values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Key} **{v.Value:g4}**"));
        _writer!.WriteLine($"- epoch {record.Epoch + 1}, step {record.Step}: {string.Join(", ", values)}");
    }

    public override void Flush() => _writer?.Flush();

    public override void Close() => _writer?.Dispose();
}
// end snippet

sealed class DigitClassifier : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(64, 128), ReLU(), Linear(128, 10));
    readonly Accuracy _accuracy = new(classes: 10);

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _accuracy.Update(_net.call(batch.Inputs), batch.Labels);
        step.Log("val/accuracy", _accuracy);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 3e-3);
}
