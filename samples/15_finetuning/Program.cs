// Fine-tuning: a network that has learnt seven digits from many pictures learns the other three from a few. Its backbone is kept as it is at first, then trained too, gently.
//   dotnet run -c Release --project samples/15_finetuning -- [epochs] [folder of MNIST's files]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const int Unfrozen = 0, Frozen = int.MaxValue;
var epochs = args.Length > 0 ? int.Parse(args[0]) : 40;
var (side, digits) = args.Length > 1 ? (28, Mnist.Load(args[1]).Train.First(10_000).All()) : (8, Digits.Load().All());
var many = Classes(0, 6).Split(validation: 0.1);
var pretraining = new Trainer(new() { MaxEpochs = Math.Min(epochs, 30), Progress = false });
var pretrained = pretraining.Fit(new DigitReader(side, classes: 7), many.Batches(64));
Console.WriteLine($"0 to 6 from {many.Train.Count:n0} pictures: of others {pretrained.Metrics["val/accuracy"]:p1} are read right.");

// Which few pictures they are matters much: the mean over some choices.
ulong[] seeds = [0, 1, 2, 3];
var choices = Array.ConvertAll(seeds, seed => Classes(7, 9).Split(validation: 0.97, seed: seed));
Console.WriteLine($"7 to 9 from {choices[0].Train.Count} pictures in {epochs} epochs:");
FineTune("from nothing", backbone: null, Unfrozen);
FineTune("backbone trained from the start", pretrained.LastCheckpoint, Unfrozen);
FineTune("backbone frozen", pretrained.LastCheckpoint, Frozen);
FineTune("frozen for the first half", pretrained.LastCheckpoint, epochs / 2);

void FineTune(string how, string? backbone, int unfreezeAtEpoch)
{
    var right = choices.Average(few => FineTuneOn(few.Batches(8), backbone, unfreezeAtEpoch));
    Console.WriteLine($"  {how,-34}{right,6:p1}");
}

double FineTuneOn(DataLoaders<LabeledBatch> few, string? backbone, int unfreezeAtEpoch)
{
    var trainer = new Trainer(new()
    {
        MaxEpochs = epochs,
        Callbacks = [new BackboneFinetuning("_backbone.*") { UnfreezeAtEpoch = unfreezeAtEpoch }],
        Validate = Every.Never,
        Checkpoints = false,
        Progress = false,
        Summary = false,
        Loggers = [],
    });
    var model = new DigitReader(side, classes: 3);
    // Not strict: what fits is taken, and the head, which has another number of classes, stays new.
    if (backbone is not null) Trainer.LoadWeights(model, backbone, strict: false);
    trainer.Fit(model, few);
    return trainer.Validate(model, few.Validation!)["val/accuracy"];
}

LabeledDataset Classes(int from, int to)
{
    var chosen = digits.Labels.ge(from) & digits.Labels.le(to);
    return new(digits.Inputs[chosen], digits.Labels[chosen] - from);
}

sealed class DigitReader(int side, int classes) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _backbone = Sequential(
        Conv2d(1, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(), MaxPool2d(2),
        Conv2d(16, 32, 3, padding: 1, bias: false), BatchNorm2d(32), ReLU(), MaxPool2d(2),
        Flatten(), Linear(32 * (side / 4) * (side / 4), 128), ReLU());
    readonly Module<Tensor, Tensor> _head = Linear(128, classes);
    readonly Accuracy _accuracy = new(classes);

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(Scores(batch), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _accuracy.Update(Scores(batch), batch.Labels);
        step.Log("val/accuracy", _accuracy);
    }

    // The head is new and has the farthest to go.
    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 1e-3).Group("head", ["_head.*"], learningRateScale: 5);

    Tensor Scores(LabeledBatch batch) => _head.call(_backbone.call(batch.Inputs.reshape(-1, 1, side, side)));
}
