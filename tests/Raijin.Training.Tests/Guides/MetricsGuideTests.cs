using Raijin.Metrics;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Guides;

/// <summary>What docs/guides/metrics.md shows, run.</summary>
public sealed class MetricsGuideTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();
    readonly Tensor _scores = tensor(new float[] { 2, 1, 0, 0, 2, 1, 0, 1, 2, 1, 2, 0 }, [4, 3]);     // classes 0, 1, 2, 1
    readonly Tensor _labels = tensor(new long[] { 0, 1, 2, 0 });

    public void Dispose()
    {
        _scores.Dispose();
        _labels.Dispose();
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Classifier : TrainingModule<LabeledBatch>
    {
        readonly nn.Module<Tensor, Tensor> _net = nn.Linear(8, 3);
        // snippet: steps
        readonly MetricCollection _trained = Measures("train/"), _validated = Measures("val/");

        static MetricCollection Measures(string prefix)
        {
            var task = Classification.Multiclass(3, logits: true);
            return new(prefix) { { "accuracy", new Accuracy(task) }, { "f1", new F1Score(task) }, { "confusion", new ConfusionMatrix(task) }, { "roc", new Roc(task, thresholds: 101) } };
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            _validated.Update(_net.call(batch.Inputs), batch.Labels);
            step.Log(_validated);                           // val/accuracy, …; in a test test/accuracy; of two loaders val/near/accuracy
        }
        // end snippet

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var scores = _net.call(batch.Inputs);
            _trained.Update(scores, batch.Labels);
            step.Log(_trained);
            return nn.functional.cross_entropy(scores, batch.Labels);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    [Fact]
    public void Metrics_are_updated_computed_and_reset()
    {
        using var scope = TensorScope.Open();
        var (batches, expected) = (new[] { (_scores, _labels), (_scores, _labels) }, 0.75);
        var task = Classification.Multiclass(3);
        using var accuracy = new Accuracy(task);
        foreach (var (scores, labels) in batches) accuracy.Update(scores, labels);      // any device; nothing is read back
        var share = accuracy.Compute();                                                 // over all of it
        accuracy.Reset();
        Assert.Equal(expected, share);
        Assert.Equal(0, accuracy.Updates);
    }

    [Fact]
    public void The_task_says_how_predictions_are_read()
    {
        using var scope = TensorScope.Open();
        var (scores, labels) = (_scores, tensor(new long[] { 0, 1, 2, -100 }));
        // snippet: task
        var binary = Classification.Binary(threshold: 0.3);                             // [B] probabilities of class 1
        var logits = Classification.Binary(logits: true);                               // [B] logits: it is said, never guessed
        var classes = Classification.Multiclass(3, topK: 2, ignoreIndex: -100);         // [B, 3] scores beside [B] labels; [B, 3, H, W] beside [B, H, W] too
        var tags = Classification.Multilabel(20);                                       // [B, 20] beside [B, 20]
        // end snippet
        Assert.Equal(1, Classify.Accuracy(scores, labels, classes));
        Assert.Equal(1, Classify.Accuracy(tensor([0.31f]), tensor([1L]), binary));
        Assert.Equal(0, Classify.Accuracy(tensor([-0.1f]), tensor([1L]), logits));
        Assert.Equal(20, tags.Classes);
    }

    [Fact]
    public void A_collection_shares_what_its_members_count()
    {
        using var scope = TensorScope.Open();
        var (scores, labels) = (_scores, _labels);
        // snippet: collection
        var task = Classification.Multiclass(3);
        var f1 = new F1Score(task);                                         // macro, as its default says
        using var metrics = new MetricCollection("val/")
        {
            { "accuracy", new Accuracy(task) },
            { "recall", new RecallScore(task, Average.Weighted) },
            { "f1", f1 },
            { "confusion", new ConfusionMatrix(task) { Names = ["cat", "dog", "cow"] } },
        };
        metrics.Update(scores, labels);                                     // one pass: NumAccumulations is 1
        var numbers = metrics.Compute();                                    // numbers["val/f1"]
        var ofDogs = f1.PerClass()[1];                                      // members keep their typed results
        // end snippet
        Assert.Equal(1, metrics.NumAccumulations);
        Assert.Equal(["val/accuracy", "val/recall", "val/f1", "val/confusion"], numbers.Keys);
        Assert.Equal(0.75, numbers["val/accuracy"]);
        Assert.Equal(2.0 / 3, ofDogs, 1e-12);
    }

    [Fact]
    public void Samples_have_weights()
    {
        using var scope = TensorScope.Open();
        var (scores, labels) = (_scores, _labels);
        using var accuracy = new Accuracy(3);
        accuracy.Update(scores, labels, weights: tensor(new[] { 1f, 1f, 1f, 3f }));
        Assert.Equal(0.5, accuracy.Compute());
    }

    [Fact]
    public void Curves_are_exact_or_binned()
    {
        using var scope = TensorScope.Open();
        var (scores, labels) = (tensor(new[] { 0.1f, 0.4f, 0.35f, 0.8f }), tensor(new long[] { 0, 0, 1, 1 }));
        var path = _folder["roc.png"];
        // snippet: curves
        var task = Classification.Binary();
        using var metrics = new MetricCollection
        {
            { "auroc", new Auroc(task) },                                   // exact: keeps the scores
            { "ap", new AveragePrecision(task) },                           // shares them
            { "auroc binned", new Auroc(task, thresholds: 101) },           // constant memory, exact at 0, 0.01, … 1
        };
        using var roc = new Roc(task);
        metrics.Update(scores, labels);
        roc.Update(scores, labels);
        roc.Plot("read by eye").Save(path);
        // end snippet
        Assert.Equal(2, metrics.NumAccumulations);
        Assert.Equal(0.75, metrics.Compute()["auroc"], 1e-12);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void Functions_are_the_metrics_of_one_batch()
    {
        using var scope = TensorScope.Open();
        var (scores, labels, task) = (_scores, _labels, Classification.Multiclass(3));
        // snippet: functions
        var right = Classify.Accuracy(scores, labels, task);
        var bleu = Texts.Bleu(["the cat sat on the mat"], [["a cat sat on the mat", "the cat is on the mat"]]);

        using var f1 = new F1Score(task);
        var ofThisBatch = f1.Of(scores, labels);                            // what f1 has accumulated is neither used nor changed
        // end snippet
        Assert.Equal(0.75, right);
        Assert.InRange(bleu.Score, 0.5, 1);
        Assert.Equal(Classify.F1Score(scores, labels, task), ofThisBatch);
    }

    [Fact]
    public void Wrappers_take_a_metric_over()
    {
        using var scope = TensorScope.Open();
        var (scores, labels, task) = (_scores, _labels, Classification.Multiclass(3));
        // snippet: wrappers
        using var metrics = new MetricCollection
        {
            { "recent", new Accuracy(task).Running(window: 100) },                      // of the last 100 updates
            { "best", new Accuracy(task).WithMinMax() },                                // best/value, best/min, best/max, over resets
            { "sure", new Accuracy(task).Bootstrapped(copies: 100, seed: 7, quantiles: [0.025, 0.975]) },
            { "f1", new F1Score(task).Classwise(["cat", "dog", "cow"]) },               // f1/cat, f1/dog, f1/cow
        };
        using var errors = new MeanAbsoluteError().PerOutput(2, names: ["x", "y"]);     // a metric of each column
        // end snippet
        metrics.Update(scores, labels);
        Assert.Equal(["recent", "best/value", "best/min", "best/max", "sure/mean", "sure/std", "sure/q0.025", "sure/q0.975", "f1/cat", "f1/dog", "f1/cow"], metrics.Compute().Keys);
        errors.Update(zeros(3, 2), ones(3, 2));
        Assert.Equal([1.0, 1.0], errors.Compute());
    }

    [Fact]
    public void A_tracker_keeps_the_numbers_of_every_epoch()
    {
        using var scope = TensorScope.Open();
        var (scores, labels, path) = (_scores, _labels, _folder["history.png"]);
        var accuracy = new Accuracy(3);
        using var tracker = new MetricTracker(accuracy);                    // takes it over
        foreach (var samples in (int[])[2, 3, 4])
        {
            accuracy.Update(scores[..samples], labels[..samples]);
            tracker.Increment();                                            // notes the number and resets
        }
        var (value, step) = tracker.Best();
        tracker.Plot().Save(path);
        Assert.Equal((1.0, 0), (value, step));
        Assert.Equal([1.0, 1.0, 0.75], tracker.Values());
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void Metrics_are_calculated_with()
    {
        using var scope = TensorScope.Open();
        var (scores, labels, task) = (_scores, _labels, Classification.Multiclass(3));
        var (precision, recall) = (new PrecisionScore(task), new RecallScore(task));
        using var metrics = new MetricCollection { { "precision", precision }, { "recall", recall }, { "harmonic", 2 * precision * recall / (precision + recall) } };
        metrics.Update(scores, labels);
        var numbers = metrics.Compute();
        Assert.Equal(2 * numbers["precision"] * numbers["recall"] / (numbers["precision"] + numbers["recall"]), numbers["harmonic"], 1e-15);
    }

    sealed class ZeroShare : Metric<double>                                 // the share of labels that are zero
    {
        readonly MetricState _zeros;

        public ZeroShare() => _zeros = AddState("zeros", Reduction.Sum, zeros([2], ScalarType.Float64));     // zeros, all

        public void Update(Tensor labels)
        {
            BeginUpdate(labels.device);
            using var scope = TensorScope.Open();
            _zeros.Value.add_(stack([labels.eq(0).sum(), ones_like(labels).sum()]));
        }

        public override double Compute() => _zeros.ToArray<double>() is [var zeros, var all] ? zeros / all : double.NaN;

        public override double ComputeScalar() => Compute();
    }

    // snippet: accumulation
    sealed record Exceedances(double Limit) : Accumulation<Comparison>              // its properties: all that the states depend on
    {
        public override void Declare(MetricStates states)
        {
            states.Add("above", Reduction.Sum, zeros([2], ScalarType.Float64));     // errors above the limit, all errors
            states.AddFaults("targets that are numbers");
        }

        public override void Check(in Comparison batch)                             // of shapes and dtypes
        {
            if (batch.Targets.numel() != batch.Predictions.numel()) throw new ShapeMismatchException("targets", "as many as predictions", $"{batch.Targets.numel()}");
        }

        protected override void Add(MetricStates states, in Comparison batch)       // on any device, in a scope, without gradients
        {
            var unknown = batch.Targets.isnan();
            states.Faults!.Note(0, unknown, batch.Targets);
            var above = (batch.Predictions - batch.Targets).abs().gt(Limit);        // never of NaN
            states[0].Value.add_(stack([above.sum(), unknown.logical_not().sum()]));
        }
    }

    sealed class ExceedanceRate(double limit) : ScalarMetric<Comparison>(new Exceedances(limit))
    {
        protected override double Compute(MetricStates states) => states[0].ToArray<double>() is [var above, var all] ? above / all : double.NaN;
    }
    // end snippet

    [Fact]
    public void Own_metrics_have_all_that_the_librarys_have()
    {
        using var scope = TensorScope.Open();
        using var zeros = new ZeroShare();
        zeros.Update(_labels);
        Assert.Equal(0.5, zeros.Compute());

        var rate = new ExceedanceRate(0.5);
        using var metrics = new MetricCollection { { "rate", rate }, { "again", new ExceedanceRate(0.5) }, { "sure", new ExceedanceRate(0.5).Bootstrapped() } };
        metrics.Update(tensor(new[] { 1f, 2f, 3f, 4f }), tensor(new[] { 1f, 2f, 3f, 6f }));
        Assert.Equal((2, 0.25), (metrics.NumAccumulations, rate.Compute()));
        Assert.Throws<ShapeMismatchException>(() => metrics.Update(ones(3), ones(2)));
        metrics.Update(ones(1), tensor(new[] { float.NaN }));
        Assert.Equal("targets that are numbers", Assert.Throws<MetricInputException>(() => rate.Compute()).Expected);
    }

    [Fact]
    public void Halves_are_merged()
    {
        using var scope = TensorScope.Open();
        var (scores, labels, task) = (_scores, _labels, Classification.Multiclass(3));
        using var first = new Accuracy(task);
        using var second = new Accuracy(task);
        first.Update(scores[..2], labels[..2]);
        second.Update(scores[2..], labels[2..]);
        first.Merge(second);                                                // as if first had seen all
        Assert.Equal(0.75, first.Compute());
    }

    [Fact]
    public void Ranks_hold_together_what_all_have_seen()
    {
        using var scope = TensorScope.Open();
        var calls = 0;
        // Two ranks that have seen the same.
        var ranks = new StateTransport(0, 2, (values, _) => { calls++; values.mul_(2); }, (bytes, _, _) => cat([bytes, bytes]));
        var (scores, labels, task) = (_scores, _labels, Classification.Multiclass(3));
        using var metrics = new MetricCollection { { "accuracy", new Accuracy(task) }, { "confusion", new ConfusionMatrix(task) } };
        metrics.Update(scores, labels);
        double share;
        using (metrics.Synchronize(ranks)) share = metrics.Compute()["accuracy"];       // of all ranks; then each has its own again
        Assert.Equal((0.75, 1), (share, calls));
    }

    [Fact]
    public void What_cannot_be_counted_is_reported_by_compute_or_at_once()
    {
        using var scope = TensorScope.Open();
        var (scores, task) = (_scores, Classification.Multiclass(3));
        var labels = tensor(new long[] { 0, 1, 7, 0 });
        using var accuracy = new Accuracy(task);
        // snippet: faults
        accuracy.Update(scores, labels);                                    // one label is 7: left out, noted, no wait for the device
        var error = Assert.Throws<MetricInputException>(() => accuracy.Compute());

        accuracy.Reset();
        accuracy.CheckAtOnce();                                             // for debugging
        Assert.Throws<MetricInputException>(() => accuracy.Update(scores, labels));
        // end snippet
        Assert.Equal("The metric expected labels in [0, 3), but 1 value was not; the first was 7.", error.Message);
    }

    [Fact]
    public void Steps_log_collections_and_a_panel_draws_them()
    {
        var options = Fixture.Quiet(_folder["run"]) with { Checkpoints = false };
        var (train, validation) = (_set.Batches(16), _set.Batches(16));
        using var model = new Classifier();
        var trainer = new Trainer(options with { Loggers = [new TensorBoardLogger()], Callbacks = [new MetricPanel { Metrics = ["confusion", "roc*"] }] });
        var result = trainer.Fit(model, new DataLoaders<LabeledBatch>(train, validation));
        var f1 = result.Metrics["val/f1"];
        Assert.InRange(f1, 0, 1);
        Assert.Contains("train/accuracy", result.Metrics.Keys);
        Assert.Contains("val/roc/1", result.Metrics.Keys);
        Assert.Contains("val/accuracy", result.Metrics.Keys);
    }
}
