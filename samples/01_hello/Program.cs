using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var trainer = new Trainer(new() { MaxEpochs = 10 });
var result = trainer.Fit(new DigitClassifier(), Digits.Load().Split(validation: 0.2).Batches(64));
Console.WriteLine(result);

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
