using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

public sealed class StepTests
{
    sealed class Linear1 : TrainingModule<LabeledBatch>
    {
        public Module<Tensor, Tensor> Net { get; } = Linear(8, 3);

        public Action<TrainStep, Tensor>? Each { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var loss = functional.cross_entropy(Net.call(batch.Inputs), batch.Labels);
            Each?.Invoke(step, loss);
            return loss;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.5);
    }

    [Theory]
    [InlineData(64, 4, 16)]     // whole windows
    [InlineData(56, 3, 8)]      // 7 microbatches: the last window has one
    public void Accumulated_steps_equal_a_loop_that_divides_by_the_window_really_used(int samples, int accumulate, int batch)
    {
        using var scope = NewDisposeScope();
        using var set = Fixture.Blobs(samples);
        var all = set.All();
        using var trained = new Linear1();
        using var byHand = new Linear1();
        trained.EnsureSame(byHand);

        new Trainer(Fixture.Quiet("unused") with { MaxEpochs = 1, AccumulateGradients = accumulate, Checkpoints = false }).Fit(trained, set.Batches(new LoaderOptions { BatchSize = batch, Shuffle = false }));

        using var optimizer = optim.SGD(byHand.parameters(), 0.5);
        var batches = samples / batch;
        for (var i = 0; i < batches; i++)
        {
            var window = Math.Min(accumulate, batches - i / accumulate * accumulate);
            var rows = (i * batch)..((i + 1) * batch);
            (functional.cross_entropy(byHand.Net.call(all.Inputs[rows]), all.Labels[rows]) / window).backward();
            if (i % accumulate == accumulate - 1 || i == batches - 1)
            {
                optimizer.step();
                optimizer.zero_grad();
            }
        }
        Fixture.AssertBitwise(Fixture.Weights(byHand), Fixture.Weights(trained));
    }

    [Fact]
    public void Clipping_by_norm_scales_the_gradients_to_the_bound()
    {
        using var scope = NewDisposeScope();
        using var set = Fixture.Blobs(32);
        var all = set.All();
        using var clipped = new Linear1();
        using var byHand = new Linear1();
        clipped.EnsureSame(byHand);

        double? norm = null;
        new Trainer(Fixture.Quiet("unused") with { MaxEpochs = null, MaxSteps = 1, Checkpoints = false, ClipGradients = Clip.Norm(0.05), Callbacks = [new Seen(r => norm = r.GradientNorm)] })
            .Fit(clipped, set.Batches(new LoaderOptions { BatchSize = 32, Shuffle = false }));

        using var optimizer = optim.SGD(byHand.parameters(), 0.5);
        functional.cross_entropy(byHand.Net.call(all.Inputs), all.Labels).backward();
        var expected = nn.utils.clip_grad_norm_(byHand.parameters(), 0.05);
        optimizer.step();
        Assert.NotNull(norm);
        Assert.Equal(expected, norm.Value, 1e-6);
        foreach (var (name, values) in Fixture.Weights(byHand))
            // The factor is folded into the update, so products round once where the two-pass loop rounds twice.
            Assert.All(values.Zip(Fixture.Weights(clipped)[name]), p => Assert.Equal(p.First, p.Second, 1e-7f));
    }

    sealed class Seen(Action<TrainingRun> look) : Callback
    {
        public override void OnTrainStepEnd(TrainStep step) => look(step.Run);
    }

    [Fact]
    public void Live_tensors_stay_the_same_from_step_to_step()
    {
        using var set = Fixture.Blobs(64);
        var counts = new List<long>();
        using var model = new Linear1 { Each = (_, _) => counts.Add(TensorLedger.Read().LiveTensors) };
        new Trainer(Fixture.Quiet("unused") with { MaxEpochs = 5, Checkpoints = false }).Fit(model, set.Batches(16));
        Assert.Single(counts.Skip(2).Distinct());
    }

    [Fact]
    public void What_is_kept_survives_the_step_and_the_old_one_is_freed()
    {
        using var set = Fixture.Blobs(64);
        Tensor? kept = null;
        using (var model = new Linear1 { Each = (step, loss) => step.Keep(ref kept, loss.detach()) })
            new Trainer(Fixture.Quiet("unused") with { MaxEpochs = 1, Checkpoints = false }).Fit(model, set.Batches(16));
        Assert.False(kept!.IsInvalid);
        Assert.True(float.IsFinite(kept.item<float>()));
        kept.Dispose();
    }

    [Fact]
    public void Two_optimizers_under_manual_optimisation_each_touch_only_their_own_weights()
    {
        using var set = Fixture.Blobs(32);
        using var model = new Pair();
        var before = Fixture.Weights(model);
        new Trainer(Fixture.Quiet("unused") with { MaxEpochs = null, MaxSteps = 2, Checkpoints = false }).Fit(model, set.Batches(16));
        var after = Fixture.Weights(model);
        Assert.All(before.Keys, name => Assert.NotEqual(before[name], after[name]));
        Assert.Equal([1, 2], model.FirstUpdates);
        Assert.All(model.parameters(), p => Assert.True(p.requires_grad));
    }

    sealed class Pair : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _first = Linear(8, 3);
        readonly Module<Tensor, Tensor> _second = Linear(3, 3);

        public List<long> FirstUpdates { get; } = [];

        protected override void ManualStep(LabeledBatch batch, ManualStep step)
        {
            var secondBefore = Fixture.Weights(_second)["weight"];
            step.Update(_first, () => functional.cross_entropy(_second.call(_first.call(batch.Inputs)), batch.Labels));
            Assert.Equal(secondBefore, Fixture.Weights(_second)["weight"]);
            step.Update(_second, () => functional.cross_entropy(_second.call(_first.call(batch.Inputs)), batch.Labels));
            FirstUpdates.Add(step.OptimizerOf(_first).Updates);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Several(Optimizers.Adam(_first), Optimizers.Adam(_second));
    }
}
