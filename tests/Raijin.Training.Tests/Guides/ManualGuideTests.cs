using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Guides;

/// <summary>What docs/guides/manual-optimization.md shows, run.</summary>
public sealed class ManualGuideTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(64);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Accumulating : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _encoder = Linear(8, 4);
        readonly Module<Tensor, Tensor> _head = Linear(4, 3);

        public List<bool> Updated { get; } = [];

        // snippet: accumulate
        protected override void ManualStep(LabeledBatch batch, ManualStep step)
        {
            step.Update(_head, () => Loss(batch));                                        // each microbatch
            var (loss, updated) = step.Accumulate(_encoder, every: 4, () => Loss(batch)); // four microbatches make one update
            step.Log("train/loss", loss);
            if (updated) step.Log("train/encoder updates", step.OptimizerOf(_encoder).Updates);
            Updated.Add(updated);
        }
        // end snippet

        Tensor Loss(LabeledBatch batch) => functional.cross_entropy(_head.call(_encoder.call(batch.Inputs)), batch.Labels);

        // snippet: several
        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Several(
            Optimizers.AdamW(_encoder, 1e-3).With(Schedules.WarmupCosine(100)),
            Optimizers.Sgd(_head, 1e-2, momentum: 0.9));
        // end snippet
    }

    sealed class ByHand : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _encoder = Linear(8, 4);
        readonly Module<Tensor, Tensor> _head = Linear(4, 3);

        public List<double> Norms { get; } = [];

        // snippet: hand
        protected override void ManualStep(LabeledBatch batch, ManualStep step)
        {
            var optimizer = step.OptimizerOf(_head);
            using (step.Toggle(_head))                                                    // the encoder gets no gradient in here
            {
                step.Backward(Loss(batch));
                step.Backward(Loss(batch), scale: 0.5);                                   // adds to it
            }
            var norm = optimizer.ClipGradients(Clip.Norm(1.0));                           // noted, and folded into the update
            if (optimizer.Update()) optimizer.AdvanceSchedule();
            optimizer.ClearGradients();
            Norms.Add(norm!.Value);
        }
        // end snippet

        Tensor Loss(LabeledBatch batch) => functional.cross_entropy(_head.call(_encoder.call(batch.Inputs)), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Several(Optimizers.AdamW(_encoder), Optimizers.Sgd(_head, 1e-2));

        public bool EncoderHasGradients => _encoder.parameters().Any(p => p.grad is not null);
    }

    sealed class Counts : Callback
    {
        public (long Batches, long Steps, long Updates, long Samples) Last { get; private set; }

        public override void OnTrainEnd(TrainingRun run) => Last = (run.Batches, run.Step, run.Updates, run.Samples);
    }

    [Fact]
    public void Microbatches_steps_and_updates_are_counted_apart()
    {
        using var model = new Accumulating();
        var counts = new Counts();
        new Trainer(Fixture.Quiet(_folder["run"]) with { MaxEpochs = 2, Callbacks = [counts] }).Fit(model, _set.Batches(16));
        Assert.Equal([false, false, false, true, false, false, false, true], model.Updated);
        // 8 updates of the head, 2 of the encoder.
        Assert.Equal((8, 8, 10, 128), counts.Last);
    }

    [Fact]
    public void An_update_in_parts_touches_its_own_weights_only()
    {
        using var model = new ByHand();
        new Trainer(Fixture.Quiet(_folder["run"]) with { MaxEpochs = 1 }).Fit(model, _set.Batches(16));
        Assert.Equal(4, model.Norms.Count);
        Assert.All(model.Norms, norm => Assert.True(norm > 0));
        Assert.False(model.EncoderHasGradients);
    }
}
