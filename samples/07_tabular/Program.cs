// Regression on a table: how wide is an iris's petal, by its other three measures?
//   dotnet run -c Release --project samples/07_tabular -- [epochs]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 60;
var flowers = Iris.Load().All().Inputs;  // [150, 4] centimetres
var data = new LabeledDataset(flowers.narrow(1, 0, 3), flowers.narrow(1, 3, 1)).Split(validation: 0.2);

var trainer = new Trainer(new() { MaxEpochs = epochs, Callbacks = [new EarlyStopping("val/error", patience: 15)] });
var train = data.Train.All();
var result = trainer.Fit(new PetalWidth(train.Inputs), data.Batches(16));
Console.WriteLine(result);

var guess = (data.Validation!.All().Labels - train.Labels.mean()).abs().mean().item<float>();
Console.WriteLine($"A petal's width is off by {result.Metrics["val/error"]:f3} cm on average; guessing the mean width, by {guess:f3} cm.");

/// <summary>Learns on standardised columns. Their means and deviations are buffers: part of the model and of its checkpoints.</summary>
sealed class PetalWidth(Tensor inputs) : TrainingModule<LabeledBatch>
{
    readonly Tensor _mean = inputs.mean([0]);
    readonly Tensor _deviation = inputs.std(dim: 0);
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(3, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 1));
    readonly Mean _error = new();

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.mse_loss(Width(batch), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _error.Update((Width(batch) - batch.Labels).abs());
        step.Log("val/error", _error);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 5e-3).With(Schedules.WarmupCosine(warmupSteps: 10));

    Tensor Width(LabeledBatch batch) => _net.call((batch.Inputs - _mean) / _deviation);
}
