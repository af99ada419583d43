// K-fold cross-validation: every flower is judged once, by a model that has not seen it.
//   dotnet run -c Release --project samples/13_kfold -- [epochs] [folds]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 100;
var folds = args.Length > 1 ? int.Parse(args[1]) : 5;
using var mean = new Mean();
using var deviation = new StandardDeviation();
foreach (var fold in Iris.Load().Folds(folds))
{
    // A trainer each: it seeds everything, so that the folds differ in their data and in nothing else.
    var trainer = new Trainer(new() { MaxEpochs = epochs, Checkpoints = false, Summary = false, Progress = false });
    var result = trainer.Fit(new FlowerClassifier(), fold.Batches(16));
    var accuracy = result.Metrics["val/accuracy"];
    mean.Update(accuracy);
    deviation.Update(accuracy);
    Console.WriteLine($"fold {mean.Updates}: {fold.Train.Count} to train on, {fold.Validation!.Count} to judge by, accuracy {accuracy:p1}, F1 {result.Metrics["val/f1"]:p1}");
}
Console.WriteLine($"{mean.Compute():p1} ± {deviation.Compute():p1} over {folds} folds");

sealed class FlowerClassifier : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(4, 32), ReLU(), Linear(32, 3));
    readonly MetricCollection _metrics = Measures(Classification.Multiclass(3));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _metrics.Update(_net.call(batch.Inputs), batch.Labels);
        step.Log("val", _metrics);
    }

    static MetricCollection Measures(Classification task) => new() { { "accuracy", new Accuracy(task) }, { "f1", new F1Score(task) } };

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 1e-2);
}
