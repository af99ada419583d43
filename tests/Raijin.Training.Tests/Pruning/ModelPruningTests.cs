using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Pruning;

public sealed class ModelPruningTests : IDisposable
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
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), ReLU(), Linear(16, 3));

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1, momentum: 0.9, weightDecay: 0.01);
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 3, Checkpoints = false };

    static int Zeros(Module model, string name) => Fixture.Weights(model)[name].Count(w => w == 0);

    [Fact]
    public void The_share_is_exact_over_all_layers_and_zeros_stay_zero_under_training()
    {
        using var model = new Model();
        var pruning = new ModelPruning { Amount = 0.5, Prune = Every.Steps(2) };
        new Trainer(Options with { Callbacks = [pruning] }).Fit(model, _set.Batches(16));
        Assert.Equal(88, Zeros(model, "_net.0.weight") + Zeros(model, "_net.2.weight"));
        Assert.Equal(0, Zeros(model, "_net.0.bias"));
    }

    [Fact]
    public void The_smallest_weights_go()
    {
        using var model = new Model();
        Dictionary<string, float[]> before = [];
        // Weights that no step changes: the last thing before pruning is looking.
        var look = new LambdaCallback { TrainEpochEnd = e => before = Fixture.Weights(e.Run.Module) };
        new Trainer(Options with { MaxEpochs = 1, Callbacks = [look, new ModelPruning("_net.0.weight") { Amount = 0.25 }] }).Fit(model, _set.Batches(16));
        var after = Fixture.Weights(model)["_net.0.weight"];
        var bound = before["_net.0.weight"].Select(MathF.Abs).Order().ElementAt(32);
        for (var i = 0; i < after.Length; i++) Assert.Equal(MathF.Abs(before["_net.0.weight"][i]) < bound ? 0 : before["_net.0.weight"][i], after[i]);
    }

    [Fact]
    public void Whole_rows_go_together()
    {
        using var model = new Model();
        new Trainer(Options with { Callbacks = [new ModelPruning("_net.0.weight") { Method = PruningMethod.Structured(), Amount = 0.25 }] }).Fit(model, _set.Batches(16));
        var rows = Fixture.Weights(model)["_net.0.weight"].Chunk(8).Select(row => row.Count(w => w == 0)).ToList();
        Assert.Equal(4, rows.Count(zeros => zeros == 8));
        Assert.Equal(12, rows.Count(zeros => zeros == 0));
    }

    [Fact]
    public void Rounds_follow_the_cubic_schedule()
    {
        List<double> shares = [];
        using var model = new Model();
        var pruning = new ModelPruning { Amount = 0.8, Rounds = 3 };
        new Trainer(Options with { MaxEpochs = 4, Callbacks = [pruning, new LambdaCallback { TrainEpochEnd = _ => shares.Add(pruning.Sparsity) }] }).Fit(model, _set.Batches(16));
        // 0.8 (1 - (1 - r/3)³) of 176 weights, rounded.
        Assert.Equal([99.0 / 176, 136.0 / 176, 141.0 / 176, 141.0 / 176], shares);
    }

    [Fact]
    public void A_resumed_run_has_the_bits_of_one_that_never_stopped()
    {
        var options = Options with { Checkpoints = true };
        ModelPruning Pruning() => new() { Amount = 0.6, Rounds = 3, Rewind = true };
        using var whole = new Model();
        using var parts = new Model();
        parts.load_state_dict(whole.state_dict());
        new Trainer(options with { MaxEpochs = 4, Output = _folder["whole"], Callbacks = [Pruning()] }).Fit(whole, _set.Batches(16));
        new Trainer(options with { MaxEpochs = 2, Callbacks = [Pruning()] }).Fit(parts, _set.Batches(16));
        using var resumed = new Model();
        new Trainer(options with { MaxEpochs = 4, Callbacks = [Pruning()] }).Fit(resumed, _set.Batches(16), Resume.Last);
        Fixture.AssertBitwise(Fixture.Weights(whole), Fixture.Weights(resumed));
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_refused()
    {
        using var model = new Model();
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Callbacks = [new ModelPruning("encoder.*")] }).Fit(model, _set.Batches(16)));
        Assert.Contains("no parameter of Model matches encoder.*", error.Message);
    }
}
