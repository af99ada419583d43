// K-fold cross-validation: every flower is judged once, by a model that has not seen it.
//   dotnet run -c Release --project samples/13_kfold -- [epochs] [folds]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 100;
var folds = args.Length > 1 ? int.Parse(args[1]) : 5;
var accuracies = new List<double>();
foreach (var fold in Iris.Load().Folds(folds))
{
    // A trainer each: it seeds everything, so that the folds differ in their data and in nothing else.
    var trainer = new Trainer(new() { MaxEpochs = epochs, Checkpoints = false, Summary = false, Progress = false });
    var result = trainer.Fit(new FlowerClassifier(), fold.Batches(16));
    accuracies.Add(result.Metrics["val/accuracy"]);
    Console.WriteLine($"fold {accuracies.Count}: {fold.Train.Count} to train on, {fold.Validation!.Count} to judge by, accuracy {accuracies[^1]:p1}");
}
var mean = accuracies.Average();
var deviation = Math.Sqrt(accuracies.Sum(a => (a - mean) * (a - mean)) / Math.Max(1, folds - 1));
Console.WriteLine($"{mean:p1} ± {deviation:p1} over {folds} folds");

sealed class FlowerClassifier : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(4, 32), ReLU(), Linear(32, 3));
    readonly Accuracy _accuracy = new(classes: 3);

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

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 1e-2);
}
