using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Driving;

public sealed class EvaluationTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly LabeledDataset _other = Fixture.Blobs(48, seed: 8);
    readonly TemporaryFolder _folder = new();
    readonly SmallClassifier _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _set.Dispose();
        _other.Dispose();
        _folder.Dispose();
    }

    Trainer Trainer => new(Fixture.Quiet(_folder["run"]));

    [Fact]
    public void Several_loaders_have_results_of_their_own_under_their_names()
    {
        var together = Trainer.Validate(_model, LoaderSet.Of(("near", _set.Batches(16)), ("far", _other.Batches(16))));
        var near = Trainer.Validate(_model, _set.Batches(16));
        var far = Trainer.Validate(_model, _other.Batches(16));
        Assert.Equal(["val/near/accuracy", "val/near/loss", "val/far/accuracy", "val/far/loss"], together.Metrics.Keys);
        Assert.Equal(near["val/accuracy"], together["val/near/accuracy"]);
        Assert.Equal(far["val/accuracy"], together["val/far/accuracy"]);
        Assert.Equal(far["val/loss"], together["val/far/loss"]);
        Assert.Equal((6, 96), (together.Batches, together.Samples));
        Assert.Equal(("far", 3L), (together.Loaders[1].Name, together.Loaders[1].Batches));
    }

    [Fact]
    public void A_key_that_nobody_logged_is_named_with_those_there_are()
    {
        var error = Assert.Throws<KeyNotFoundException>(() => Trainer.Validate(_model, _set.Batches(16))["val/f1"]);
        Assert.Equal("Nothing was logged under \"val/f1\"; there is val/accuracy, val/loss.", error.Message);
    }

    [Fact]
    public void The_validation_step_serves_as_the_test_step_under_the_tests_keys() =>
        Assert.Equal(["test/accuracy", "test/loss"], Trainer.Test(_model, _set.Batches(16)).Metrics.Keys);

    [Fact]
    public void Limits_bound_every_loader()
    {
        var trainer = new Trainer(Fixture.Quiet(_folder["run"]) with { LimitValidation = Limit.Batches(1), LimitTest = Limit.Fraction(0.67), LimitPredict = Limit.Batches(2) });
        Assert.Equal(2, trainer.Validate(_model, LoaderSet.Of(("near", _set.Batches(16)), ("far", _other.Batches(16)))).Batches);
        Assert.Equal(2, trainer.Test(_model, _set.Batches(16)).Batches);
    }

    [Fact]
    public void Weights_are_those_asked_for()
    {
        var monitored = Fixture.Quiet(_folder["run"]) with { MaxEpochs = 3, Callbacks = [new ModelCheckpoint { Monitor = Best.Min("val/loss"), Keep = 3, InBackground = false }] };
        var trainer = new Trainer(monitored);
        var fit = trainer.Fit(_model, new DataLoaders<LabeledBatch>(_set.Batches(16), _other.Batches(48)));
        Assert.Equal(fit.BestCheckpoint, trainer.Validate(_model, _other.Batches(48), Weights.Best).Checkpoint);
        Assert.Equal(fit.LastCheckpoint, trainer.Validate(_model, _other.Batches(48), Weights.Last).Checkpoint);
        Assert.Equal(fit.LastCheckpoint, trainer.Validate(_model, _other.Batches(48), Weights.From(fit.LastCheckpoint!)).Checkpoint);
        Assert.Null(trainer.Validate(_model, _other.Batches(48)).Checkpoint);

        // Another process knows the run by its folder.
        var later = new Trainer(monitored);
        Assert.Equal(fit.BestCheckpoint, later.Test(_model, _other.Batches(48), Weights.Best).Checkpoint);
        Assert.Equal(fit.Metrics["val/loss"], later.Validate(_model, _other.Batches(48), Weights.Last)["val/loss"]);
    }

    [Fact]
    public void Weights_that_nobody_saved_are_refused_with_what_to_do()
    {
        Assert.Contains("fit first", Assert.Throws<InvalidOptionsException>(() => new Trainer(Fixture.Quiet()).Validate(_model, _set.Batches(16), Weights.Last)).Message);
        Assert.Contains("holds none", Assert.Throws<InvalidOptionsException>(() => Trainer.Validate(_model, _set.Batches(16), Weights.Last)).Message);
        Assert.Contains("Monitor = Best.Max", Assert.Throws<InvalidOptionsException>(() => Trainer.Validate(_model, _set.Batches(16), Weights.Best)).Message);
    }

    sealed class Watching : TrainingModule<LabeledBatch>
    {
        readonly nn.Module<Tensor, Tensor> _net = nn.Linear(8, 3);

        public List<bool> Inference { get; } = [];

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => nn.functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => Inference.Add(is_inference_mode_enabled());

        protected override Tensor PredictStep(LabeledBatch batch, EvalStep step) => _net.call(batch.Inputs);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    [Fact]
    public void Inference_mode_is_for_evaluations_that_stand_alone()
    {
        using var model = new Watching();
        var options = Fixture.Quiet(_folder["watched"]) with { MaxEpochs = 1, Checkpoints = false };
        new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(_set.Batches(48), _set.Batches(48)));
        new Trainer(options).Validate(model, _set.Batches(48));
        new Trainer(options with { InferenceMode = false }).Validate(model, _set.Batches(48));
        Assert.Equal([false, true, false], model.Inference);
        Assert.False(is_inference_mode_enabled());
    }

    [Fact]
    public void A_metric_used_in_inference_mode_goes_on_to_live_outside()
    {
        Trainer.Validate(_model, _set.Batches(16));
        // Its states must take part in in-place updates again.
        new Trainer(Fixture.Quiet(_folder["fit"]) with { MaxEpochs = 1, Checkpoints = false }).Fit(_model, new DataLoaders<LabeledBatch>(_set.Batches(16), _set.Batches(16)));
        Trainer.Validate(_model, _set.Batches(16));
    }

    [Fact]
    public void Predictions_are_streamed_in_order_and_equal_those_asked_for_one_by_one()
    {
        using var model = new Watching();
        var expected = Trainer.Predict(model, LoaderSet.Of(("near", _set.Batches(Ordered)), ("far", _other.Batches(Ordered)))).Select(Values).ToList();
        var streamed = new List<float[]>();
        foreach (var answer in Trainer.PredictAsync(model, LoaderSet.Of(("near", _set.Batches(Ordered)), ("far", _other.Batches(Ordered))), ahead: 1, cancellationToken: TestContext.Current.CancellationToken).ToBlockingEnumerable(TestContext.Current.CancellationToken))
            streamed.Add(Values(answer));
        Assert.Equal(6, expected.Count);
        Assert.Equal(expected, streamed);

        static float[] Values(Tensor answer)
        {
            using (answer) return answer.data<float>().ToArray();
        }
    }

    static LoaderOptions Ordered => new() { BatchSize = 16, Shuffle = false };

    [Fact]
    public void A_reader_that_leaves_early_leaves_no_tensor()
    {
        using var model = new Watching();
        var before = TensorLedger.Read();
        foreach (var answer in Trainer.PredictAsync(model, _set.Batches(4), cancellationToken: TestContext.Current.CancellationToken).ToBlockingEnumerable(TestContext.Current.CancellationToken))
        {
            answer.Dispose();
            break;
        }
        Assert.Equal(0, TensorLedger.Read() - before);
    }

    [Fact]
    public void An_error_of_the_model_comes_out_of_the_stream()
    {
        var error = Assert.Throws<NotImplementedException>(() =>
        {
            foreach (var answer in Trainer.PredictAsync(_model, _set.Batches(16), cancellationToken: TestContext.Current.CancellationToken).ToBlockingEnumerable(TestContext.Current.CancellationToken)) answer.Dispose();
        });
        Assert.Contains("does not override PredictStep", error.Message);
    }
}
