using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Callbacks;

public sealed class SpikeDetectionTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(96);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    /// <summary>A loss that explodes at chosen batches.</summary>
    sealed class Model(params long[] spikes) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public double Blow { get; init; } = 1000;

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
            return spikes.Contains(step.Run.Batches) ? loss * Blow : loss;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    /// <summary>The same without the batches that would explode.</summary>
    sealed class Passing(params long[] skipped) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        protected override Tensor? TrainingStep(LabeledBatch batch, TrainStep step) =>
            skipped.Contains(step.Run.Batches) ? null : functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    FitResult Fit<TBatch>(TrainingModule<TBatch> model, Func<LabeledDataset, DataLoaders<TBatch>> data, params Callback[] callbacks) where TBatch : IBatch<TBatch> =>
        new Trainer(Fixture.Quiet(_folder[Guid.NewGuid().ToString()]) with { Checkpoints = false, Callbacks = callbacks }).Fit(model, data(_set));

    static DataLoaders<LabeledBatch> Loader(LabeledDataset set) => set.Batches(8);

    [Theory]
    [InlineData(1000)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_spike_is_passed_over_as_if_its_batch_were_not_there(double blow)
    {
        using var spiked = new Model(10, 15) { Blow = blow };
        using var passing = new Passing(10, 15);
        passing.load_state_dict(spiked.state_dict());
        var detection = new SpikeDetection { Window = 5 };
        var result = Fit(spiked, Loader, detection);
        Fit(passing, Loader);
        Assert.Equal([10, 15], detection.Spikes);
        Assert.Equal((22, 24 * 8), (result.Steps, result.Samples));
        Fixture.AssertBitwise(Fixture.Weights(passing), Fixture.Weights(spiked));
    }

    sealed class WeightsAfter(long step) : Callback
    {
        public Dictionary<string, float[]> Seen { get; private set; } = [];

        public override void OnTrainStepEnd(TrainStep at)
        {
            if (at.Run.Step == step) Seen = Fixture.Weights(at.Run.Module);
        }
    }

    [Fact]
    public void A_rewind_goes_back_to_the_last_copy_and_on_with_the_data()
    {
        using var model = new Model(10);
        var copy = new WeightsAfter(8);
        Dictionary<string, float[]> after = [];
        var look = new LambdaCallback { TrainBatchEnd = step => { if (step.Run.Batches == 10) after = Fixture.Weights(step.Run.Module); } };
        Fit(model, Loader, new SpikeDetection { Window = 5, Action = SpikeAction.Rewind, SnapshotSteps = 4 }, copy, look);
        Fixture.AssertBitwise(copy.Seen, after);
    }

    [Fact]
    public void Stopping_says_which_batch_and_why()
    {
        using var model = new Model(7);
        var result = Fit(model, Loader, new SpikeDetection { Window = 5, Action = SpikeAction.Stop });
        Assert.StartsWith("the loss of batch 7 is ", result.StopReason);
        Assert.Equal(7, result.Steps);
    }

    [Fact]
    public void Spikes_without_end_stop_the_run()
    {
        using var model = new Model([.. Enumerable.Range(6, 18).Select(b => (long)b)]) { Blow = double.NaN };
        var result = Fit(model, Loader, new SpikeDetection { MaxInARow = 3 });
        Assert.StartsWith("3 batches in a row", result.StopReason);
    }

    [Fact]
    public void A_loss_near_zero_may_wobble()
    {
        var detection = new SpikeDetection { Window = 1 };
        Assert.False(detection.IsSpike(5));
        detection.LoadState(new() { ["recent"] = new System.Text.Json.Nodes.JsonArray(BitConverter.DoubleToInt64Bits(0.01)), ["spikes"] = new System.Text.Json.Nodes.JsonArray(), ["inARow"] = 0 });
        Assert.False(detection.IsSpike(0.1));
        Assert.True(detection.IsSpike(0.2));
        Assert.True(detection.IsSpike(double.NaN));
    }
}
