using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Logging;

/// <summary>Metrics and collections logged from steps: their names, their values, when they are computed and reset, and that they survive a resumption.</summary>
public sealed class MetricLoggingTests : IDisposable
{
    static readonly Classification Task = Classification.Multiclass(3, logits: true);

    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly LabeledDataset _other = Fixture.Blobs(48, seed: 8);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _other.Dispose();
        _folder.Dispose();
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 2, Checkpoints = false };

    static MetricCollection Measures(string prefix = "") => new(prefix) { { "accuracy", new Accuracy(Task) }, { "f1", new F1Score(Task) } };

    /// <summary>Logs collections in all ways there are, and counts by itself what they should say.</summary>
    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);
        readonly MetricCollection _trained = Measures("train/");
        readonly MetricCollection _keyed = Measures();
        readonly Auroc _auroc = new(Task);
        readonly Cat _kept = new();

        public MetricCollection Validated { get; } = Measures("val/");

        public MetricCollection ValidatedKeyed { get; } = Measures();

        public long WrongLabelsAt { get; init; } = -1;

        public Action<TrainStep>? OnStep { get; init; }

        public List<(long Epoch, long Right, long Count)> Trained { get; } = [];

        public List<(string Loader, long Right, long Count)> Evaluated { get; } = [];

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var scores = _net.call(batch.Inputs);
            Trained.Add((step.Epoch, Right(scores, batch.Labels), batch.Count));
            var labels = step.Index == WrongLabelsAt ? batch.Labels + 3 : batch.Labels;
            _trained.Update(scores, labels);
            _keyed.Update(scores, labels);
            _auroc.Update(scores, labels);
            _kept.Update(scores.detach());
            step.Log(_trained);
            step.Log("keyed", _keyed);
            step.Log("train/auroc", _auroc);
            step.Log("train/kept", _kept);
            OnStep?.Invoke(step);
            return functional.cross_entropy(scores, batch.Labels);
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            var scores = _net.call(batch.Inputs);
            Evaluated.Add((step.Loader, Right(scores, batch.Labels), batch.Count));
            Validated.Update(scores, batch.Labels);
            ValidatedKeyed.Update(scores, batch.Labels);
            step.Log(Validated);
            step.Log("val/keyed", ValidatedKeyed);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);

        static long Right(Tensor scores, Tensor labels)
        {
            using var scope = NewDisposeScope();
            return scores.argmax(1).eq(labels).sum().item<long>();
        }
    }

    DataLoaders<LabeledBatch> Data => new(_set.Batches(16), _other.Batches(16));

    [Fact]
    public void Training_logs_a_collection_by_its_own_names_or_below_a_key()
    {
        using var model = new Model();
        var metrics = new Trainer(Options).Fit(model, Data).Metrics;
        var last = model.Trained.Where(t => t.Epoch == 1).ToList();
        var expected = (double)last.Sum(t => t.Right) / last.Sum(t => t.Count);
        Assert.Equal(expected, metrics["train/accuracy"]);
        Assert.Equal(expected, metrics["keyed/accuracy"]);
        Assert.Equal(metrics["train/f1"], metrics["keyed/f1"]);
        Assert.InRange(metrics["train/f1"], 1e-3, 1);
    }

    [Fact]
    public void Evaluation_logs_a_collection_by_its_own_names_or_below_a_key_and_a_test_by_tests_names()
    {
        using var model = new Model();
        var trainer = new Trainer(Options);
        var validated = trainer.Validate(model, _set.Batches(16));
        Assert.Equal(["val/accuracy", "val/f1", "val/keyed/accuracy", "val/keyed/f1"], validated.Metrics.Keys);
        Assert.Equal(model.Evaluated.Sum(e => e.Right) / 48.0, validated["val/accuracy"]);
        Assert.Equal(validated["val/f1"], validated["val/keyed/f1"]);
        Assert.Equal(["test/accuracy", "test/f1", "test/keyed/accuracy", "test/keyed/f1"], trainer.Test(model, _set.Batches(16)).Metrics.Keys);
    }

    [Fact]
    public void Each_loader_has_the_collections_numbers_of_its_own_samples()
    {
        using var model = new Model();
        var result = new Trainer(Options).Validate(model, LoaderSet.Of(("near", _set.Batches(16)), ("far", _other.Batches(16))));
        foreach (var loader in (string[])["near", "far"])
        {
            Assert.Equal(model.Evaluated.Where(e => e.Loader == loader).Sum(e => e.Right) / 48.0, result[$"val/{loader}/accuracy"]);
            Assert.Equal(result[$"val/{loader}/f1"], result[$"val/{loader}/keyed/f1"]);
        }
        Assert.Equal(8, result.Metrics.Count);
    }

    [Fact]
    public void At_the_validations_end_metrics_can_still_be_read_and_then_they_are_reset()
    {
        using var model = new Model();
        var read = new List<(double Logged, double Computed, int Classes)>();
        var callback = new LambdaCallback
        {
            ValidationEnd = epoch => read.Add((epoch.Metrics["val/f1"], model.Validated["f1"].ComputeScalar(), ((F1Score)model.Validated["f1"]).PerClass().Count)),
            TrainEpochEnd = _ => Assert.Equal(0, model.Validated.Updates),
        };
        new Trainer(Options with { Callbacks = [callback] }).Fit(model, Data);
        Assert.Equal(2, read.Count);
        Assert.All(read, r => Assert.Equal((r.Computed, 3), (r.Logged, r.Classes)));
        Assert.Equal(0, model.Validated.Updates + model.ValidatedKeyed.Updates);
    }

    [Fact]
    public void A_bad_label_is_reported_when_the_epoch_is_computed_or_at_once_where_anomalies_are_looked_for()
    {
        var steps = 0L;
        using var deferred = new Model { WrongLabelsAt = 1, OnStep = s => steps = s.Index };
        var error = Assert.Throws<MetricInputException>(() => new Trainer(Options).Fit(deferred, Data));
        Assert.Equal(("labels in [0, 3)", 16, 2), (error.Expected, error.Count, steps));

        steps = 0;
        using var atOnce = new Model { WrongLabelsAt = 1, OnStep = s => steps = s.Index };
        error = Assert.Throws<MetricInputException>(() => new Trainer(Options with { DetectAnomaly = true }).Fit(atOnce, Data));
        Assert.Equal(("labels in [0, 3)", 16, 0), (error.Expected, error.Count, steps));
    }

    [Fact]
    public void Collections_and_metrics_that_keep_every_score_go_on_where_a_stopped_epoch_was()
    {
        var options = Fixture.Quiet() with { MaxEpochs = 2, Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), InBackground = false }] };
        var whole = Run(options with { Output = _folder["whole"] }, null, null);
        foreach (var stop in (int[])[1, 2, 4])
        {
            var stopped = options with { Output = _folder[$"stopped-{stop}"] };
            Assert.Equal("cancelled", Run(stopped, stop, null).StopReason);
            var resumed = Run(stopped, null, Resume.Last);
            Assert.Equal(whole.Metrics.OrderBy(m => m.Key), resumed.Metrics.OrderBy(m => m.Key));
        }
        Assert.InRange(whole.Metrics["train/auroc"], 0.5, 1);
        Assert.Contains("train/kept", whole.Metrics.Keys);

        FitResult Run(TrainerOptions options, int? stopAfter, Resume? resume)
        {
            using var stop = new CancellationTokenSource();
            var trainer = new Trainer(options);
            using var model = new Model { OnStep = s => { if (s.Index + 1 == stopAfter) stop.Cancel(); } };
            return trainer.Fit(model, Data, resume, stop.Token);
        }
    }
}
