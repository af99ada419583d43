// Tuning: which learning rate, which batch size, and which of many settings?
//   dotnet run -c Release --project samples/16_tuning -- [trials] [epochs of each]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var trials = args.Length > 0 ? int.Parse(args[0]) : 20;
var epochs = args.Length > 1 ? int.Parse(args[1]) : 9;
var digits = Digits.Load().Split(validation: 0.2);
var quick = new TrainerOptions { MaxEpochs = epochs, Checkpoints = false, Progress = false, Summary = false, Loggers = [] };

// A short run with a rate that grows: where the loss falls fastest is a good one. The model is as before afterwards, and nothing is written.
var trainer = new Trainer(quick);
var model = new DigitClassifier(new());
var found = trainer.FindLearningRate(model, digits.Batches(64));
found.Chart().Save("learning-rate.png");
Console.WriteLine($"{found}\n  learning-rate.png");

// Larger and larger batches until memory is full; here they may take half a gigabyte.
var sizes = trainer.FindBatchSize(model, digits.Batches, new BatchSizeFinder { Initial = 64, Maximum = 1024, MemoryLimitBytes = 512_000_000 });
foreach (var size in sizes.Trials) Console.WriteLine($"  batches of {size.BatchSize,4}: {size.SecondsPerSample * 1e6,5:f1} µs a sample{(size.Fits ? "" : $", {size.Problem}")}");

// Guesses that learn from those before; the worse ones of those under way are ended early.
var space = new SearchSpace
{
    ["learningRate"] = SearchRange.Log(1e-4, 1e-1),
    ["hidden"] = SearchRange.LogWhole(16, 256),
    ["dropout"] = SearchRange.Uniform(0, 0.6),
    ["batchSize"] = SearchRange.Choice("16", "64", "256"),
};
var result = Tuner.Search(space, new() { Trials = trials, HigherIsBetter = true, Stopping = StoppingRule.Halving() }, run =>
{
    var trial = run.Trial;
    var settings = new Settings(trial.Double("learningRate"), trial.Int("hidden"), trial.Double("dropout"));
    var fit = new Trainer(quick with { Callbacks = [new StopBadTrial(run)] });
    return fit.Fit(new DigitClassifier(settings), digits.Batches(trial.Int("batchSize"))).Metrics["val/accuracy"];
});
Console.WriteLine($"{result.Trials.Count} trials, {result.Trials.Count(t => t.State == TrialState.Stopped)} of them ended early. The best:");
foreach (var (trial, score) in result.Trials.OrderByDescending(t => t.Score).Take(5).Select(t => (t.Trial, t.Score)))
    Console.WriteLine($"  {score:p1}  learning rate {trial.Double("learningRate"):g2}, {trial.Int("hidden")} hidden, dropout {trial.Double("dropout"):f2}, batches of {trial.Int("batchSize")}");

/// <summary>Tells the search each epoch's accuracy and ends the trial when it is told to.</summary>
sealed class StopBadTrial(TrialRun run) : Callback
{
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        if (epoch.Phase == EvalPhase.Validation && run.Report(epoch.Metrics["val/accuracy"])) epoch.RequestStop("other trials were better by now");
    }
}

sealed record Settings(double LearningRate = 1e-3, int Hidden = 128, double Dropout = 0.2);

sealed class DigitClassifier(Settings settings) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(64, settings.Hidden), ReLU(), Dropout(settings.Dropout), Linear(settings.Hidden, 10));
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

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, settings.LearningRate);
}
