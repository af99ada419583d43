using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Curves;

public sealed class ScoredAccumulationTests
{
    static readonly Classification Binary = Classification.Binary(ignoreIndex: -1);

    [Theory]
    [InlineData(1.5f, 1, "probabilities in [0, 1]")]
    [InlineData(float.NaN, 1, "probabilities in [0, 1]")]
    [InlineData(0.5f, 2, "labels in [0, 2)")]
    public void What_cannot_be_counted_is_left_out_and_reported(float score, long label, string expectation)
    {
        using var scores = tensor(new[] { 0.2f, 0.8f, score, float.NaN });
        using var labels = tensor(new long[] { 0, 1, label, -1 });
        foreach (var metric in ScoreMetrics.All(Binary))
        {
            using (metric)
            {
                ((IUpdate<Comparison>)metric).Update(new(scores, labels));
                var error = Assert.Throws<MetricInputException>(() => metric.ComputeScalar());
                Assert.Contains(expectation, error.Message);
                Assert.Equal(1, error.Count);
            }
        }
    }

    [Fact]
    public void Weights_have_to_be_finite_and_not_negative()
    {
        using var scores = tensor(new[] { 0.2f, 0.8f });
        using var labels = tensor(new long[] { 0, 1 });
        using var weights = tensor(new[] { -1.0, 1 });
        Assert.Contains("weights", Assert.Throws<MetricInputException>(() => Classify.Auroc(scores, labels, Binary, weights: weights)).Message);
    }

    [Fact]
    public void Multiclass_scores_may_be_anything_but_where_probabilities_are_needed()
    {
        using var scores = tensor(new[,] { { 3f, -1f }, { 0.25f, 0.75f } });
        using var labels = tensor(new long[] { 0, 1 });
        var task = Classification.Multiclass(2);
        Assert.Equal(1, Classify.Auroc(scores, labels, task));
        Assert.Equal(0.25, Classify.HingeLoss(scores, labels, task));
        foreach (var call in (Func<double>[])[() => Classify.LogLoss(scores, labels, task), () => Classify.BrierScore(scores, labels, task), () => Classify.CalibrationError(scores, labels, task)])
        {
            var error = Assert.Throws<MetricInputException>(() => call());
            Assert.Contains("class probabilities in [0, 1]", error.Message);
            Assert.Equal((2, 3.0), (error.Count, error.First));
        }
    }

    [Fact]
    public void A_class_score_that_is_no_number_leaves_its_sample_out()
    {
        using var scores = tensor(new[,] { { 0.5f, 0.5f }, { float.NaN, 0.75f } });
        using var labels = tensor(new long[] { 0, 1 });
        Assert.Equal(1, Assert.Throws<MetricInputException>(() => Classify.Auroc(scores, labels, Classification.Multiclass(2))).Count);
    }

    [Fact]
    public void Classes_and_other_shapes_are_refused_at_once()
    {
        using var classes = tensor(new long[] { 0, 1 });
        using var three = rand(3);
        using var metric = new Auroc(Binary);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(classes, classes));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(three, classes));
        Assert.Equal(0, metric.Updates);
    }

    [Fact]
    public void Further_dimensions_are_samples_of_their_own()
    {
        using var scope = NewDisposeScope();
        foreach (var task in (Classification[])[Binary, Classification.Multiclass(3), Classification.Multilabel(3)])
        {
            long[] shape = task.Kind == ClassificationKind.Binary ? [2, 4, 5] : [2, 3, 4, 5];
            var scores = arange(2 * 4 * 5 * task.Width, ScalarType.Float32).mul(7.13).fmod(1).reshape(shape);
            var labels = (task.Kind == ClassificationKind.Multilabel ? scores : scores.flatten()[..40].reshape(2, 4, 5)).mul(19).to(ScalarType.Int64).remainder(task.Kind == ClassificationKind.Multiclass ? 3 : 2);
            var flatScores = task.Kind == ClassificationKind.Binary ? scores.flatten() : scores.reshape(2, 3, 20).transpose(1, 2).reshape(-1, 3);
            var flatLabels = task.Kind == ClassificationKind.Multilabel ? labels.reshape(2, 3, 20).transpose(1, 2).reshape(-1, 3) : labels.flatten();
            foreach (var (a, b) in ScoreMetrics.All(task).Zip(ScoreMetrics.All(task)))
            {
                ((IUpdate<Comparison>)a).Update(new(scores, labels));
                ((IUpdate<Comparison>)b).Update(new(flatScores, flatLabels));
                Recording.Near(b.ComputeScalar(), a.ComputeScalar(), 1e-12, a.GetType().Name);
                a.Dispose();
                b.Dispose();
            }
        }
    }

    [Fact]
    public void Rows_too_wide_for_a_block_go_through_tensor_ops()
    {
        using var scope = NewDisposeScope();
        var scores = rand(6, 1500).softmax(1);
        var labels = arange(6, ScalarType.Int64);
        using var wide = new LogLoss(Classification.Multiclass(1500));
        wide.Update(scores, labels);
        Recording.Near(-Enumerable.Range(0, 6).Average(i => Math.Log(scores[i, i].item<float>())), wide.Compute(), 1e-6);
    }

    [Fact]
    public void Memory_of_binned_metrics_stays_what_it_was()
    {
        using var scores = tensor(new[] { 0.2f, 0.8f, 0.55f });
        using var labels = tensor(new long[] { 0, 1, 1 });
        using var metrics = new MetricCollection { { "auroc", new Auroc(Binary, thresholds: 101) }, { "ap", new AveragePrecision(Binary, thresholds: [0.3, 0.6]) }, { "ece", new CalibrationError(Binary) }, { "brier", new BrierScore(Binary) } };
        for (var i = 0; i < 1000; i++) metrics.Update(scores, labels);
        var (bytes, live, managed) = (Bytes(), TensorLedger.Read().LiveTensors, GC.GetAllocatedBytesForCurrentThread());
        for (var i = 0; i < 100_000; i++) metrics.Update(scores, labels);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - managed);
        Assert.Equal((bytes, live), (Bytes(), TensorLedger.Read().LiveTensors));
        Assert.Equal(101_000 * 3, metrics.Parts().First().States[0].ToArray<double>().Sum());

        long Bytes() => metrics.Parts().SelectMany(p => p.States).Sum(s => s.Value.NumberOfElements * s.Value.ElementSize);
    }
}

public sealed class CalibrationErrorTests
{
    static readonly Classification Binary = Classification.Binary();

    [Fact]
    public void A_confidence_on_an_edge_belongs_to_the_bin_below()
    {
        using var scores = tensor(new[] { 0, 0.25, 0.5, 0.75, 1 });
        using var labels = tensor(new long[] { 0, 0, 1, 1, 1 });
        using var metric = new CalibrationError(Binary, 4);
        metric.Update(scores, labels);
        Assert.Equal([0.4, 0.2, 0.2, 0.2], metric.Bins().Select(b => b.Share));
        Assert.Equal(0.125, metric.Bins()[0].Confidence);
    }

    [Fact]
    public void Weights_count_as_repetitions_in_bins_of_equal_width_and_of_equal_mass()
    {
        using var scope = NewDisposeScope();
        var scores = tensor(new[] { 0.1, 0.9, 0.4, 0.6, 0.7 });
        var labels = tensor(new long[] { 0, 1, 1, 0, 1 });
        var weights = tensor(new long[] { 2, 1, 3, 1, 2 });
        foreach (var equalMass in (bool[])[false, true])
            Recording.Near(
                Classify.CalibrationError(scores.repeat_interleave(weights), labels.repeat_interleave(weights), Binary, 3, equalMass: equalMass),
                Classify.CalibrationError(scores, labels, Binary, 3, equalMass: equalMass, weights: weights), 1e-12);
    }

    [Fact]
    public void Multilabel_is_refused_with_a_way_out() =>
        Assert.Contains("binary", Assert.Throws<ArgumentException>(() => new CalibrationError(Classification.Multilabel(3))).Message);

    [Fact]
    public void The_diagram_leaves_empty_bins_out()
    {
        using var scores = tensor(new[] { 0.1, 0.9 });
        using var labels = tensor(new long[] { 0, 1 });
        using var metric = new CalibrationError(Binary, 10);
        metric.Update(scores, labels);
        var panels = (Raijin.Charts.Panels)metric.Plot();
        Assert.Equal([0.1, 0.9], ((Raijin.Charts.LineChart)panels.Charts[0]).Curves[1].X);
        Assert.NotEmpty(panels.Png(200, 300));
    }
}

public sealed class LossTests
{
    [Fact]
    public void A_certain_mistake_is_dear_but_not_infinite_and_logits_are_not_clipped()
    {
        using var scores = tensor(new[] { 0f });
        using var logits = tensor(new[] { -1000f });
        using var labels = tensor(new long[] { 1 });
        Assert.Equal(23 * Math.Log(2), Classify.LogLoss(scores, labels, Classification.Binary()), 1e-9);
        Assert.Equal(1000, Classify.LogLoss(logits, labels, Classification.Binary(logits: true)), 1e-9);
    }

    [Fact]
    public void Losses_of_logits_are_those_of_their_probabilities()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new[,] { { 0.3, -1.2, 2.0 }, { 1.5, 0.1, -0.4 } });
        var classes = tensor(new long[] { 2, 1 });
        var labels = tensor(new long[,] { { 1, 0, 1 }, { 0, 1, 0 } });
        foreach (var (loss, name) in ((Func<Tensor, Tensor, Classification, double>, string)[])[((s, l, t) => Classify.LogLoss(s, l, t), "log"), ((s, l, t) => Classify.BrierScore(s, l, t), "brier")])
        {
            Recording.Near(loss(logits.softmax(1), classes, Classification.Multiclass(3)), loss(logits, classes, Classification.Multiclass(3, logits: true)), 1e-12, name);
            Recording.Near(loss(logits.sigmoid(), labels, Classification.Multilabel(3)), loss(logits, labels, Classification.Multilabel(3, logits: true)), 1e-12, name);
        }
    }

    [Fact]
    public void Labels_have_a_loss_each()
    {
        using var scores = tensor(new[,] { { 0.5, 0.9 }, { 0.5, 0.9 } });
        using var labels = tensor(new long[,] { { 1, 1 }, { 0, -1 } });
        using var brier = new BrierScore(Classification.Multilabel(2, ignoreIndex: -1));
        brier.Update(scores, labels);
        Recording.Near([0.25, 0.01], brier.PerClass(), 1e-12);
        Recording.Near(0.51 / 3, brier.Compute(), 1e-12);
    }
}

public sealed class LabelRankingTests
{
    [Fact]
    public void Samples_whose_labels_are_all_true_or_none_count_as_sklearn_has_them()
    {
        using var scores = tensor(new[,] { { 0.1, 0.2, 0.3 }, { 0.1, 0.2, 0.3 } });
        using var labels = tensor(new long[,] { { 1, 1, 1 }, { 0, 0, 0 } });
        var task = Classification.Multilabel(3);
        Assert.Equal(1.5, Classify.CoverageError(scores, labels, task));
        Assert.Equal(1, Classify.LabelRankingAveragePrecision(scores, labels, task));
        Assert.Equal(0, Classify.LabelRankingLoss(scores, labels, task));
    }

    [Fact]
    public void Ignored_labels_are_left_out_of_the_ranking()
    {
        using var scores = tensor(new[,] { { 0.9, 0.5, 0.1 } });
        using var labels = tensor(new long[,] { { -1, 1, 0 } });
        var task = Classification.Multilabel(3, ignoreIndex: -1);
        Assert.Equal(1, Classify.CoverageError(scores, labels, task));
        Assert.Equal(1, Classify.LabelRankingAveragePrecision(scores, labels, task));
        Assert.Equal(0, Classify.LabelRankingLoss(scores, labels, task));
    }

    [Fact]
    public void Equal_scores_are_out_of_order()
    {
        using var scores = tensor(new[,] { { 0.5, 0.5 } });
        using var labels = tensor(new long[,] { { 1, 0 } });
        var task = Classification.Multilabel(2);
        Assert.Equal(1, Classify.LabelRankingLoss(scores, labels, task));
        Assert.Equal(0.5, Classify.LabelRankingAveragePrecision(scores, labels, task));
        Assert.Equal(2, Classify.CoverageError(scores, labels, task));
    }

    [Fact]
    public void Other_tasks_and_weights_within_a_sample_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new CoverageError(Classification.Binary()));
        using var scores = rand(2, 3);
        using var labels = zeros([2, 3], ScalarType.Int64);
        Assert.Throws<ShapeMismatchException>(() => Classify.LabelRankingLoss(scores, labels, Classification.Multilabel(3), weights: scores));
    }
}
