// The digits of sample 01 on two processes: the program starts itself once more for each, every batch is shared among them, and gradients meet. Model, data and steps know nothing of it.
//   dotnet run -c Release --project samples/19_data_parallel -- [epochs]

using Raijin;
using Raijin.Collectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 10;
// From here on there are two ranks: what stands above is done by each of them, and by the process that waits for them.
var trainer = new Trainer(new() { MaxEpochs = epochs, Devices = 2 });
var world = RankWorld.Of(trainer.Options)!;

// 32 each make steps of 64 samples, as a rank alone would take with 64.
var model = new DigitClassifier();
var result = trainer.Fit(model, Digits.Load().Split(validation: 0.2).Batches(32));

// All ranks have the same numbers, and the same weights to the last bit; where one differs, this throws on all.
world.Group.AgreeOn("the trained weights", string.Join('\n', model.named_parameters().Select(p => $"{p.name} {p.parameter.abs().sum().item<float>():R}")));
if (world.Rank == 0) Console.WriteLine($"{world.Size} ranks have the same weights.\n{result}");

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

    protected override OptimizerSetup ConfigureOptimizers() =>
        Optimizers.AdamW(this, learningRate: 1e-2).NoDecayOn("*.bias").With(Schedules.WarmupCosine(warmupSteps: 20));
}
