using CsCheck;
using Raijin.Charts;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Curves;

public sealed class CurveTests
{
    static readonly Classification Binary = Classification.Binary();

    [Fact]
    public void The_area_is_the_share_of_pairs_in_order_with_equal_ones_half() =>
        Gen.Select(ScoredSamples.Of(Classification.Binary(logits: true, ignoreIndex: -1)), Gen.Bool).Sample((samples, wide) =>
        {
            var (right, all) = (0.0, 0.0);
            for (var i = 0; i < samples.Count; i++)
            {
                for (var j = 0; j < samples.Count; j++)
                {
                    if (samples.Labels[i] != 1 || samples.Labels[j] != 0) continue;
                    var weight = (samples.Weights?[i] ?? 1) * (samples.Weights?[j] ?? 1);
                    all += weight;
                    right += samples.Scores[i] > samples.Scores[j] ? weight : samples.Scores[i] == samples.Scores[j] ? weight / 2 : 0;
                }
            }
            samples.Use(batch => Recording.Near(right / all, Classify.Auroc(batch.Predictions, batch.Targets, samples.Task, weights: batch.Weights), 1e-12), wide ? ScalarType.Float64 : ScalarType.Float32);
        }, iter: 100);

    [Fact]
    public void Many_scores_on_many_threads_give_the_area_of_few_on_one()
    {
        // Every score twelve thousand times over: the area stays what it was.
        using var scope = NewDisposeScope();
        var scores = tensor(new[] { 0.1f, 0.3f, 0.3f, 0.5f, 0.5f, 0.6f, 0.8f, 0.9f, -0.2f, 0f, -0f, 1e-30f });
        var labels = tensor(new long[] { 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0 });
        var task = Classification.Binary(logits: true);
        var few = Classify.Auroc(scores, labels, task);
        Assert.Equal(few, Classify.Auroc(scores.repeat(12_000), labels.repeat(12_000), task), 1e-12);
        Assert.Equal(few, Classify.Auroc(scores.repeat(12_000).to(ScalarType.Float64), labels.repeat(12_000), task), 1e-12);
    }

    [Fact]
    public void Scores_of_every_magnitude_and_sign_are_ranked_too()
    {
        using var scores = tensor(new[] { float.MinValue, -float.Epsilon, 0f, float.Epsilon, float.MaxValue, float.NegativeInfinity, float.PositiveInfinity });
        using var labels = tensor(new long[] { 0, 1, 0, 1, 1, 0, 0 });
        Assert.Equal(8 / 12.0, Classify.Auroc(scores, labels, Classification.Binary(logits: true)), 1e-12);
    }

    [Fact]
    public void Float64_scores_that_float32_cannot_tell_apart_are_told_apart()
    {
        using var scores = tensor(new[] { 0.5, 0.5 + 1e-12 });
        using var labels = tensor(new long[] { 0, 1 });
        using var single = scores.to(ScalarType.Float32);
        Assert.Equal(1, Classify.Auroc(scores, labels, Binary));
        Assert.Equal(0.5, Classify.Auroc(single, labels, Binary));
        Assert.Equal(0.5 + 1e-12, Assert.Single(Classify.Roc(scores, labels, Binary)).Thresholds[1]);
    }

    [Fact]
    public void Logits_that_the_sigmoid_would_make_equal_stay_apart_and_thresholds_are_probabilities()
    {
        using var logits = tensor(new[] { 30f, 31f, 0f });
        using var labels = tensor(new long[] { 0, 1, 0 });
        var task = Classification.Binary(logits: true);
        Assert.Equal(1, Classify.Auroc(logits, labels, task));
        Assert.Equal(0.5, Assert.Single(Classify.Roc(logits, labels, task)).Thresholds[^1]);
    }

    [Fact]
    public void Batches_of_both_precisions_with_and_without_weights_go_together()
    {
        using var singles = tensor(new[] { 0.25f, 0.75f });
        using var doubles = tensor(new[] { 0.5, 0.125 });
        using var labels = tensor(new long[] { 0, 1 });
        using var weights = tensor(new[] { 2.0, 3.0 });
        using var metric = new Auroc(Binary);
        metric.Update(singles, labels);
        metric.Update(doubles, labels);
        metric.Update(singles, labels, weights);
        // Positives 0.75 (1 + 3) and 0.125 (1); negatives 0.25 (1 + 2) and 0.5 (1).
        Assert.Equal(16 / 20.0, metric.Compute(), 1e-15);
    }

    [Fact]
    public void Binned_is_exact_where_scores_lie_on_thresholds() =>
        Gen.Select(ScoredSamples.Of(Classification.Binary(ignoreIndex: -1)), Gen.Int[0, 3], Gen.Bool).Sample((samples, precision, own) =>
        {
            var dtype = new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16 }[precision];
            // 16 steps are exact in any precision; tenths of the scores are rounded in each.
            var tenths = samples with { Scores = Array.ConvertAll(samples.Scores, s => Math.Round(s * 10) / 10) };
            foreach (var (given, thresholds) in ((ScoredSamples, Thresholds)[])[(samples, own ? Thresholds.Of([.. Thresholds.Uniform(17), 0.33]) : 17), (tenths, own ? Thresholds.Of([.. Thresholds.Uniform(11), 0.33]) : 11)])
            {
                given.Use(batch =>
                {
                    var (s, l, w, task) = (batch.Predictions, batch.Targets, batch.Weights, given.Task);
                    Recording.Near(Classify.Auroc(s, l, task, weights: w), Classify.Auroc(s, l, task, thresholds: thresholds, weights: w), 1e-12, "auroc");
                    Recording.Near(Classify.Auroc(s, l, task, maxFpr: 0.4, weights: w), Classify.Auroc(s, l, task, maxFpr: 0.4, thresholds: thresholds, weights: w), 1e-12, "partial auroc");
                    Recording.Near(Classify.AveragePrecision(s, l, task, weights: w), Classify.AveragePrecision(s, l, task, thresholds: thresholds, weights: w), 1e-12, "average precision");
                    Recording.Near(Classify.Eer(s, l, task, weights: w), Classify.Eer(s, l, task, thresholds: thresholds, weights: w), 1e-12, "equal error rate");
                    Recording.Near(Classify.PrecisionAtFixedRecall(s, l, task, 0.5, weights: w).Value, Classify.PrecisionAtFixedRecall(s, l, task, 0.5, thresholds: thresholds, weights: w).Value, 1e-12, "precision at recall");
                }, dtype);
            }
        }, iter: 60);

    [Theory]
    [InlineData(101)]
    [InlineData(10_001)]
    public void Scores_beside_even_thresholds_fall_on_their_side_of_them(int count)
    {
        using var scope = NewDisposeScope();
        var cuts = Thresholds.Uniform(count).Select(t => (float)t).ToArray();
        float[] scores = [.. cuts, .. cuts[1..].Select(MathF.BitDecrement), .. cuts[..^1].Select(MathF.BitIncrement)];
        var roc = Assert.Single(Classify.Roc(tensor(scores), cat([ones(1, ScalarType.Int64), zeros(scores.Length - 1, ScalarType.Int64)]), Binary, thresholds: count));
        var negatives = scores[1..].Order().ToArray();
        for (var i = 0; i < count; i++)
        {
            var below = Array.BinarySearch(negatives, MathF.BitDecrement(cuts[count - 1 - i]));
            var reached = negatives.Length - (below < 0 ? ~below : below + 1);
            Assert.Equal((double)reached / negatives.Length, roc.Fpr[i + 1]);
        }
    }

    [Fact]
    public void A_curve_of_many_float32_scores_is_that_of_the_same_in_float64()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var scores = randn(150_000, generator: generator);
        var labels = rand(150_000, generator: generator).lt(0.2).to(ScalarType.Int64);
        var task = Classification.Binary(logits: true);
        var (narrow, wide) = (Assert.Single(Classify.Roc(scores, labels, task)), Assert.Single(Classify.Roc(scores.to(ScalarType.Float64), labels, task)));
        Assert.Equal(wide.Thresholds, narrow.Thresholds);
        Assert.Equal(wide.Tpr, narrow.Tpr);
        Assert.Equal(wide.Fpr, narrow.Fpr);
    }

    [Fact]
    public void A_binned_curve_ends_below_its_lowest_threshold()
    {
        using var scores = tensor(new[] { 0.1f, 0.2f, 0.6f, 0.9f });
        using var labels = tensor(new long[] { 0, 1, 0, 1 });
        var roc = Assert.Single(Classify.Roc(scores, labels, Binary, thresholds: [0.5]));
        Assert.Equal([0, 0.5, 1], roc.Fpr);
        Assert.Equal([0, 0.5, 1], roc.Tpr);
        Assert.Equal([double.PositiveInfinity, 0.5, double.NegativeInfinity], roc.Thresholds);
        var curve = Assert.Single(Classify.PrecisionRecallCurve(scores, labels, Binary, thresholds: [0.5, 0.95]));
        Assert.Equal([0.5, double.NaN, 1], curve.Precision);
        Assert.Equal([0.5, 0, 0], curve.Recall);
    }

    [Fact]
    public void One_class_alone_has_no_rates_but_positives_have_precision()
    {
        using var scores = tensor(new[] { 0.1f, 0.7f });
        foreach (var label in (long[])[0, 1])
        {
            using var labels = full([2], label, ScalarType.Int64);
            foreach (var thresholds in (Thresholds?[])[null, 5])
            {
                Assert.True(double.IsNaN(Classify.Auroc(scores, labels, Binary, thresholds: thresholds)));
                Assert.True(double.IsNaN(Classify.Auroc(scores, labels, Binary, maxFpr: 0.5, thresholds: thresholds)));
                Assert.True(double.IsNaN(Classify.Eer(scores, labels, Binary, thresholds: thresholds)));
                Assert.True(double.IsNaN(Classify.LogAuc(scores, labels, Binary, thresholds: thresholds)));
                Assert.True(double.IsNaN(Classify.SensitivityAtSpecificity(scores, labels, Binary, 0.5, thresholds: thresholds).Value));
                Assert.True(double.IsNaN(Classify.SpecificityAtSensitivity(scores, labels, Binary, 0.5, thresholds: thresholds).Value));
                Assert.Equal(label == 1 ? 1 : double.NaN, Classify.AveragePrecision(scores, labels, Binary, thresholds: thresholds));
                Assert.Equal(label == 1 ? 1 : double.NaN, Classify.PrecisionAtFixedRecall(scores, labels, Binary, 0.5, thresholds: thresholds).Value);
                Assert.Equal(label == 1 ? 1 : double.NaN, Classify.RecallAtFixedPrecision(scores, labels, Binary, 0.5, thresholds: thresholds).Value);
                var roc = Assert.Single(Classify.Roc(scores, labels, Binary, thresholds: thresholds));
                Assert.All(label == 1 ? roc.Fpr : roc.Tpr, rate => Assert.True(double.IsNaN(rate)));
            }
        }
    }

    [Fact]
    public void Equal_scores_are_chance()
    {
        using var scores = full([4], 0.3f);
        using var labels = tensor(new long[] { 0, 1, 0, 1 });
        Assert.Equal(0.5, Classify.Auroc(scores, labels, Binary));
        Assert.Equal(0.5, Classify.AveragePrecision(scores, labels, Binary));
        Assert.Equal(0.5, Classify.Eer(scores, labels, Binary));
        Assert.Equal([0, 1], Assert.Single(Classify.Roc(scores, labels, Binary)).Tpr);
    }

    [Fact]
    public void Averages_leave_out_a_class_nobody_belongs_to()
    {
        using var scores = tensor(new[,] { { 0.6f, 0.3f, 0.1f }, { 0.2f, 0.7f, 0.1f }, { 0.5f, 0.4f, 0.1f } });
        using var labels = tensor(new long[] { 0, 1, 1 });
        using var metric = new Auroc(Classification.Multiclass(3));
        metric.Update(scores, labels);
        Assert.Equal([1, 1, double.NaN], metric.PerClass());
        Assert.Equal(1, metric.Compute());
        Assert.Equal(1, Classify.Auroc(scores, labels, Classification.Multiclass(3), versus: OneVersus.One));
    }

    [Fact]
    public void Where_no_threshold_is_good_enough_the_rate_is_zero_at_none()
    {
        using var scores = tensor(new[] { 0.9f, 0.8f, 0.1f });
        using var labels = tensor(new long[] { 0, 1, 0 });
        var point = Classify.RecallAtFixedPrecision(scores, labels, Binary, 0.9);
        Assert.Equal((0, double.NaN), (point.Value, point.Threshold));
        var sensitivity = Classify.SensitivityAtSpecificity(scores, labels, Binary, 1);
        Assert.Equal((0, double.PositiveInfinity), (sensitivity.Value, sensitivity.Threshold));
    }

    [Fact]
    public void A_point_of_several_classes_is_their_mean_and_has_a_threshold_for_each() =>
        ScoredSamples.Of(Classification.Multilabel(3), most: 20).Where(s => s.Count > 5).Sample(samples => samples.Use(batch =>
        {
            using var metric = new PrecisionAtFixedRecall(samples.Task, 0.5);
            metric.Update(batch);
            var defined = metric.PerClass().Where(v => !double.IsNaN(v)).ToList();
            Recording.Near(defined.Count == 0 ? double.NaN : defined.Average(), metric.Compute().Value, 1e-12);
            Assert.True(double.IsNaN(metric.Compute().Threshold));
            Assert.Equal(["value", "threshold"], metric.ComputeScalars().Select(s => s.Key));
            var pooled = Classify.PrecisionAtFixedRecall(batch.Predictions.reshape(-1), batch.Targets.reshape(-1), Binary, 0.5, weights: batch.Weights?.repeat_interleave(3));
            Assert.Equal(pooled, Classify.PrecisionAtFixedRecall(batch.Predictions, batch.Targets, samples.Task, 0.5, Average.Micro, weights: batch.Weights));
        }), iter: 30);

    [Fact]
    public void The_mean_curve_of_classes_has_the_mean_of_their_areas_where_all_are_defined() =>
        ScoredSamples.Of(Classification.Multiclass(3), weighted: false).Where(s => s.Labels.Distinct().Count() == 3).Sample(samples => samples.Use(batch =>
        {
            var mean = Assert.Single(Classify.Roc(batch.Predictions, batch.Targets, samples.Task, Average.Macro));
            Assert.Equal(1, mean.Fpr[^1]);
            Assert.Equal(1, mean.Tpr[^1], 1e-12);
            Recording.Near(Classify.Auroc(batch.Predictions, batch.Targets, samples.Task), mean.Area, 1e-12);
        }), iter: 30);

    [Fact]
    public void Curves_of_equal_task_and_thresholds_share_what_they_keep()
    {
        var task = Classification.Binary();
        using var metrics = new MetricCollection
        {
            { "auroc", new Auroc(task) }, { "ap", new AveragePrecision(Classification.Binary()) }, { "roc", new Roc(task) }, { "eer", new Eer(task) },
            { "auroc 5", new Auroc(task, thresholds: 5) }, { "ap 5", new AveragePrecision(task, thresholds: [0, 0.25, 0.5, 0.75, 1]) }, { "ap 6", new AveragePrecision(task, thresholds: 6) },
        };
        Assert.Equal(3, metrics.NumAccumulations);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused_before_anything_is_kept()
    {
        var classes = Classification.Multiclass(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Auroc(Binary, maxFpr: 0));
        Assert.Throws<ArgumentException>(() => new Auroc(Binary, versus: OneVersus.One));
        Assert.Throws<ArgumentException>(() => new Auroc(classes, versus: OneVersus.One, thresholds: 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LogAuc(Binary, 0, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrecisionAtFixedRecall(Binary, 1.1));
        Assert.Throws<ArgumentException>(() => new Roc(classes, Average.Weighted));
        Assert.Throws<ArgumentException>(() => new PrecisionRecallCurve(classes, Average.Macro));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Auroc(Classification.Multiclass(40_000)));
        foreach (var make in (Func<Metric>[])[() => new Auroc(null!), () => new Roc(null!), () => new LogLoss(null!), () => new BrierScore(null!), () => new HingeLoss(null!), () => new CalibrationError(null!), () => new CoverageError(null!)])
            Assert.Throws<ArgumentNullException>(() => make());
    }

    [Fact]
    public void Pictures_show_each_curve_with_its_area()
    {
        using var scores = tensor(new[] { 0.1f, 0.4f, 0.35f, 0.8f });
        using var labels = tensor(new long[] { 0, 0, 1, 1 });
        using var roc = new Roc(Binary);
        using var curve = new PrecisionRecallCurve(Binary);
        roc.Update(scores, labels);
        curve.Update(scores, labels);
        Assert.Equal(["", "area 0.750"], ((LineChart)roc.Plot()).Curves.Select(c => c.Name));
        Assert.Equal(["average precision 0.833"], ((LineChart)curve.Plot("title")).Curves.Select(c => c.Name));
        Assert.NotEmpty(roc.Plot().Png(200, 200));
        Assert.NotEmpty(curve.Plot().Png(200, 200));
        Assert.Equal(0.75, roc.ComputeScalar());
    }
}

public sealed class ThresholdsTests
{
    [Fact]
    public void They_are_compared_by_value_and_kept_in_order()
    {
        Thresholds uniform = 3, own = [1, 0, 0.5, 0.5];
        Assert.Equal(uniform, own);
        Assert.Equal(uniform.GetHashCode(), own.GetHashCode());
        Assert.Equal([0, 0.5, 1], own);
        Assert.NotEqual(own, [0, 1]);
    }

    [Fact]
    public void Those_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Thresholds.Uniform(1));
        Assert.Throws<ArgumentException>(() => Thresholds.Of());
        Assert.Throws<ArgumentOutOfRangeException>(() => Thresholds.Of(0.5, 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Thresholds.Of(double.NaN));
    }
}
