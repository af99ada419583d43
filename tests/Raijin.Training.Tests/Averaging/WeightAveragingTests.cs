using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Averaging;

public sealed class WeightAveragingTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly LabeledDataset _held = Fixture.Blobs(48, seed: 8);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _held.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), BatchNorm1d(16), ReLU(), Linear(16, 3));

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => step.Log("val/loss", functional.cross_entropy(_net.call(batch.Inputs), batch.Labels));

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1, momentum: 0.9);
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 3, Checkpoints = false };

    DataLoaders<LabeledBatch> Data => new(_set.Batches(16), _held.Batches(48));

    [Fact]
    public void The_exponential_average_follows_its_formula_and_is_what_the_caller_gets()
    {
        using var model = new Model();
        var expected = Fixture.Weights(model).ToDictionary(w => w.Key, w => w.Value.Select(v => (double)v).ToArray());
        var look = new LambdaCallback
        {
            TrainStepEnd = step =>
            {
                foreach (var (name, values) in Fixture.Weights(step.Run.Module))
                    for (var i = 0; i < values.Length; i++) expected[name][i] = name.EndsWith("num_batches_tracked", StringComparison.Ordinal) ? values[i] : expected[name][i] + 0.1 * (values[i] - expected[name][i]);
            },
        };
        new Trainer(Options with { Callbacks = [look, new ExponentialMovingAverage(0.9)] }).Fit(model, Data);
        foreach (var (name, values) in Fixture.Weights(model))
            for (var i = 0; i < values.Length; i++) Assert.Equal(expected[name][i], values[i], 1e-5 * Math.Max(1, Math.Abs(expected[name][i])));
    }

    [Fact]
    public void Training_goes_on_as_if_there_were_no_average()
    {
        using var plain = new Model();
        using var averaged = new Model();
        averaged.load_state_dict(plain.state_dict());
        Dictionary<string, float[]> last = [];
        new Trainer(Options).Fit(plain, Data);
        new Trainer(Options with { Output = _folder["averaged"], Callbacks = [new ExponentialMovingAverage(0.9), new LambdaCallback { TrainEnd = run => last = Fixture.Weights(run.Module) }] }).Fit(averaged, Data);
        Fixture.AssertBitwise(Fixture.Weights(plain), last);
    }

    [Fact]
    public void Evaluations_are_by_the_average_and_a_checkpoint_evaluates_to_what_was_logged()
    {
        using var model = new Model();
        var options = Options with { Checkpoints = true, Callbacks = [new ExponentialMovingAverage(0.9), new ModelCheckpoint { Monitor = Best.Min("val/loss"), Keep = 3 }] };
        var trainer = new Trainer(options);
        var fit = trainer.Fit(model, Data);
        var logged = fit.Metrics["val/loss"];
        Assert.Equal(logged, trainer.Validate(model, _held.Batches(48))["val/loss"]);
        Assert.Equal(logged, trainer.Validate(model, _held.Batches(48), Weights.Last)["val/loss"]);
        // The weights in training are in the checkpoint too, and give another figure.
        Assert.NotEqual(logged, new Trainer(Options).Validate(model, _held.Batches(48), Weights.From(fit.LastCheckpoint!))["val/loss"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_resumed_run_has_the_bits_of_one_that_never_stopped(bool exponential)
    {
        WeightAveraging Make() => exponential ? new ExponentialMovingAverage(0.95, warmUp: true) : new StochasticWeightAveraging(0.5) { StartAtEpoch = 1, AnnealEpochs = 1 };
        var options = Options with { Checkpoints = true, MaxEpochs = 4 };
        using var whole = new Model();
        using var parts = new Model();
        parts.load_state_dict(whole.state_dict());
        new Trainer(options with { Output = _folder["whole"], Callbacks = [Make()] }).Fit(whole, Data);
        new Trainer(options with { MaxEpochs = 2, Callbacks = [Make()] }).Fit(parts, Data);
        using var resumed = new Model();
        new Trainer(options with { Callbacks = [Make()] }).Fit(resumed, Data, Resume.Last);
        Fixture.AssertBitwise(Fixture.Weights(whole), Fixture.Weights(resumed));
    }

    [Fact]
    public void The_stochastic_average_is_the_mean_of_the_last_epochs_ends_at_a_constant_rate()
    {
        using var model = new Model();
        List<Dictionary<string, float[]>> ends = [];
        List<double> rates = [];
        var look = new LambdaCallback
        {
            TrainStepEnd = step => rates.Add(step.Run.Optimizers[0].LastLearningRate(0)),
            TrainEpochEnd = epoch => ends.Add(Fixture.Weights(epoch.Run.Module)),
        };
        new Trainer(Options with { MaxEpochs = 5, Callbacks = [look, new StochasticWeightAveraging(0.2) { StartAtEpoch = 2, AnnealEpochs = 1 }] }).Fit(model, Data);
        foreach (var (name, values) in Fixture.Weights(model))
        {
            if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal)) continue;
            for (var i = 0; i < values.Length; i++) Assert.Equal((ends[2][name][i] + (double)ends[3][name][i] + ends[4][name][i]) / 3, values[i], 1e-5);
        }
        Assert.All(rates.Take(6), rate => Assert.Equal(0.1, rate, 12));
        Assert.All(rates.Skip(9), rate => Assert.Equal(0.02, rate, 12));
    }

    [Fact]
    public void An_interrupted_validation_leaves_no_average_in_the_checkpoint()
    {
        using var source = new CancellationTokenSource();
        using var model = new Model();
        Dictionary<string, float[]> raw = [];
        var look = new LambdaCallback
        {
            TrainStepEnd = step => raw = Fixture.Weights(step.Run.Module),
            ValidationBatchStart = step => { if (step.Phase == EvalPhase.Validation) source.Cancel(); },
        };
        var result = new Trainer(Options with { Checkpoints = true, Callbacks = [look, new ExponentialMovingAverage(0.9)] }).Fit(model, Data, cancellationToken: source.Token);
        using var saved = new Model();
        Trainer.LoadWeights(saved, result.LastCheckpoint!);
        Fixture.AssertBitwise(raw, Fixture.Weights(saved));
    }

    [Fact]
    public void Settings_that_cannot_be_are_refused_before_the_run()
    {
        using var model = new Model();
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Callbacks = [new ExponentialMovingAverage(1) { EverySteps = 0 }, new StochasticWeightAveraging(0)] }).Fit(model, Data));
        Assert.Equal(["exponentialMovingAverage.decay", "exponentialMovingAverage.everySteps", "stochasticWeightAveraging.rate"], error.Faults.Select(f => f.Key));
    }
}
