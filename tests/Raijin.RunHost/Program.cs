// A training process to be killed by tests: digits with dropout, a checkpoint every few steps, resumed from the last good one.
//   Raijin.RunHost FOLDER STEPS [pace-milliseconds]
// Prints "started", with a pace "training" in its 20th step, then "done HASH" with a hash over the bits of all weights.

using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var steps = long.Parse(args[1], CultureInfo.InvariantCulture);
var pace = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 0;

var trainer = new Trainer(new()
{
    MaxSteps = steps,
    Output = args[0],
    Progress = false,
    Summary = false,
    SanityValidationBatches = 0,
    Validate = Every.Steps(40),
    Log = Every.Steps(5),
    Callbacks = [new ModelCheckpoint { Save = Every.Steps(7), Monitor = Best.Max("val/accuracy"), Keep = 2, KeepLast = 2 }],
});
var model = new Classifier(pace);
Console.WriteLine("started");
var result = trainer.Fit(model, Digits.Load().Split(validation: 0.2).Batches(32), Resume.Last);
if (result.Signal is not null)
{
    Console.WriteLine("interrupted");
    return result.ExitCode;
}

var hash = new XxHash3();
foreach (var (_, weights) in model.state_dict()) hash.Append(MemoryMarshal.AsBytes(weights.data<float>().ToArray().AsSpan()));
Console.WriteLine($"done {hash.GetCurrentHashAsUInt64():x16}");
return 0;

sealed class Classifier(int pace) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(64, 64), ReLU(), Dropout(0.2), Linear(64, 10));
    readonly Accuracy _accuracy = new(classes: 10);
    int _steps;

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        if (pace > 0) Thread.Sleep(pace);
        if (pace > 0 && ++_steps == 20) Console.WriteLine("training");
        var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _accuracy.Update(_net.call(batch.Inputs), batch.Labels);
        step.Log("val/accuracy", _accuracy);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-3).With(Schedules.WarmupCosine(20));
}
