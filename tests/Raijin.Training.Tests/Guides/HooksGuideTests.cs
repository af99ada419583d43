using System.Text.Json.Nodes;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Guides;

/// <summary>What docs/guides/hooks.md shows, run.</summary>
public sealed class HooksGuideTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]);

    // snippet: callback
    sealed class StopWhenGoodEnough(double accuracy) : Callback
    {
        public override void OnValidationEnd(EvalEpoch epoch)
        {
            if (epoch.Metrics["val/accuracy"] >= accuracy) epoch.RequestStop($"reached {accuracy:p0}");
        }
    }
    // end snippet

    // snippet: state
    sealed class CountEpochs : Callback
    {
        public long Epochs { get; private set; }

        public override void OnTrainEpochEnd(TrainEpoch epoch) => Epochs++;

        public override JsonObject SaveState() => new() { ["epochs"] = Epochs };

        public override void LoadState(JsonObject state) => Epochs = (long)state["epochs"]!;
    }
    // end snippet

    // snippet: parts
    sealed class CarefulClassifier : TrainingModule<LabeledBatch>
    {
        Module<Tensor, Tensor> _net = null!;

        // On the run's device and in its dtype, without saying so.
        protected override void ConfigureModel() => _net = Sequential(Linear(8, 16), ReLU(), Linear(16, 3));

        protected override IReadOnlyList<Callback> ConfigureCallbacks() => [new EarlyStopping("train/loss")];

        // On the device, before the step sees the batch; in training and in evaluations.
        protected override LabeledBatch AfterTransfer(LabeledBatch batch) => batch with { Inputs = batch.Inputs * 2 - 1 };

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
            step.Log("train/loss", loss);
            return loss;
        }

        // A step whose gradients are out of all proportion leaves the weights as they are.
        protected override void OptimizerStep(TrainStep step, RunOptimizer optimizer)
        {
            if (optimizer.MeasureGradients() < 100) optimizer.Step();
            else optimizer.ClearGradients();
        }

        // In place of TrainerOptions.ClipGradients: loosely at first.
        protected override void ClipGradients(TrainStep step, RunOptimizer optimizer) =>
            optimizer.ClipGradients(Clip.Norm(step.Index < 100 ? 10 : 1));

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }
    // end snippet

    [Fact]
    public void The_callback_stops_the_run()
    {
        using var model = new SmallClassifier();
        var result = new Trainer(Options with { MaxEpochs = 50, Callbacks = [new StopWhenGoodEnough(0.5)] }).Fit(model, new DataLoaders<LabeledBatch>(_set.Batches(16), _set.Batches(16)));
        Assert.Equal($"reached {0.5:p0}", result.StopReason);
    }

    [Fact]
    public void The_state_is_resumed()
    {
        using var model = new SmallClassifier();
        new Trainer(Options with { MaxEpochs = 2, Callbacks = [new CountEpochs()] }).Fit(model, _set.Batches(16));
        var resumed = new CountEpochs();
        new Trainer(Options with { MaxEpochs = 3, Callbacks = [resumed] }).Fit(model, _set.Batches(16), Resume.Last);
        Assert.Equal(3, resumed.Epochs);
    }

    [Fact]
    public void The_parts_of_a_step_are_the_modules_own()
    {
        using var model = new CarefulClassifier();
        var losses = new List<double>();
        new Trainer(Options with { MaxEpochs = 20, Callbacks = [new LambdaCallback { TrainEpochEnd = e => losses.Add(e.Metrics["train/loss"]) }] }).Fit(model, _set.Batches(16));
        Assert.True(losses[^1] < 0.8 * losses[0], $"{losses[0]} → {losses[^1]}");
    }
}
