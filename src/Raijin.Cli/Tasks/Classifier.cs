using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Cli;

/// <summary>Trains a network that maps inputs [B, …] to class scores [B, classes], by cross entropy.</summary>
[SuppressMessage("Usage", "CA2213", Justification = "A module disposes the modules and metrics among its fields.")]
abstract class Classifier(Module<Tensor, Tensor> network, int classes, OptimizerOptions optimizer, ScheduleOptions schedule) : TrainingModule<LabeledBatch>
{
    // Named as checkpoints name their weights.
    readonly Module<Tensor, Tensor> net = network;
    readonly MetricCollection metrics = Measures(Classification.Multiclass(classes));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(net.call(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step) => Evaluate(batch, step, "val");

    protected override void TestStep(LabeledBatch batch, EvalStep step) => Evaluate(batch, step, "test");

    protected override Tensor PredictStep(LabeledBatch batch, EvalStep step) => functional.softmax(net.call(batch.Inputs), 1);

    protected override OptimizerSetup ConfigureOptimizers() => optimizer.For(this, schedule);

    void Evaluate(LabeledBatch batch, EvalStep step, string phase)
    {
        var scores = net.call(batch.Inputs); // [B, classes]
        metrics.Update(scores, batch.Labels);
        step.Log($"{phase}/loss", functional.cross_entropy(scores, batch.Labels));
        step.Log(phase, metrics);
    }

    static MetricCollection Measures(Classification task) => new() { { "accuracy", new Accuracy(task) }, { "f1", new F1Score(task) } };
}
