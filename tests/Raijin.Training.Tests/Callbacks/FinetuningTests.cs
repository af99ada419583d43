using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Callbacks;

public sealed class FinetuningTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _backbone = Sequential(Linear(8, 16), BatchNorm1d(16), ReLU());
        readonly Module<Tensor, Tensor> _head = Linear(16, 3);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_head.call(_backbone.call(batch.Inputs)), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 4, Checkpoints = false };

    [Fact]
    public void The_backbone_is_frozen_statistics_and_all_until_its_epoch_and_then_trained_at_a_growing_share()
    {
        using var model = new Model();
        var first = Fixture.Weights(model);
        List<Dictionary<string, float[]>> ends = [];
        List<double> shares = [];
        var look = new LambdaCallback
        {
            TrainEpochEnd = e => ends.Add(Fixture.Weights(e.Run.Module)),
            TrainStepEnd = s => shares.Add(Math.Round(s.Run.Optimizers[0].Groups.Single(g => g.Name == "finetuned").LearningRate / s.Run.Optimizers[0].Groups.Single(g => g.Name == "default").LearningRate, 9)),
        };
        new Trainer(Options with { MaxEpochs = 5, Callbacks = [new BackboneFinetuning("_backbone.*") { UnfreezeAtEpoch = 2, InitialShare = 0.25 }, look] }).Fit(model, _set.Batches(16));

        foreach (var name in first.Keys.Where(n => n.StartsWith("_backbone", StringComparison.Ordinal)))
        {
            Assert.Equal(first[name], ends[1][name]);
            Assert.NotEqual(first[name], ends[2][name]);
        }
        Assert.NotEqual(first["_head.weight"], ends[0]["_head.weight"]);
        // The rate after a step is that of the next.
        Assert.Equal([0, 0, 0, 0, 0, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 1, 1, 1, 1], shares);
        Assert.All(model.parameters(), p => Assert.True(p.requires_grad));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_resumed_run_has_the_bits_of_one_that_never_stopped(int stopAt)
    {
        var options = Options with { Checkpoints = true, Callbacks = [new BackboneFinetuning("_backbone.*") { UnfreezeAtEpoch = 2 }] };
        using var whole = new Model();
        using var parts = new Model();
        parts.load_state_dict(whole.state_dict());
        new Trainer(options with { Output = _folder["whole"] }).Fit(whole, _set.Batches(16));
        new Trainer(options with { MaxEpochs = stopAt }).Fit(parts, _set.Batches(16));
        using var resumed = new Model();
        new Trainer(options).Fit(resumed, _set.Batches(16), Resume.Last);
        Fixture.AssertBitwise(Fixture.Weights(whole), Fixture.Weights(resumed));
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_refused()
    {
        using var model = new Model();
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Callbacks = [new BackboneFinetuning("encoder.*")] }).Fit(model, _set.Batches(16)));
        Assert.Contains("no parameter of Model matches encoder.*", error.Message);
    }
}
