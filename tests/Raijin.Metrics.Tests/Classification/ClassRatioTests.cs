using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Counts;

public sealed class ClassRatioTests
{
    static readonly Classification Three = Classification.Multiclass(3);

    [Fact]
    public void Ten_metrics_of_a_task_share_one_accumulation()
    {
        using var metrics = Ten(Classification.Multiclass(10));
        Assert.Equal((10, 1), (metrics.Count, metrics.NumAccumulations));
        Assert.Equal([10L, 10], metrics.Parts().Single().States[0].Value.shape);
    }

    [Fact]
    public void Metrics_of_many_classes_keep_no_matrix()
    {
        using var metrics = new MetricCollection { { "accuracy", new Accuracy(50_000) }, { "f1", new F1Score(Classification.Multiclass(50_000)) }, { "mcc", new MatthewsCorrCoef(Classification.Multiclass(50_000)) } };
        Assert.Equal(1, metrics.NumAccumulations);
        Assert.Equal([3L, 50_000], metrics.Parts().Single().States[0].Value.shape);
        using var last = new Accuracy(128);
        using var first = new Accuracy(129);
        Assert.Equal([128L, 128], last.States[0].Value.shape);
        Assert.Equal([3L, 129], first.States[0].Value.shape);
        using var labels = tensor(new long[] { 49_999, 7, 7 });
        using var predicted = tensor(new long[] { 49_999, 7, 8 });
        metrics.Update(predicted, labels);
        Assert.Equal(2 / 3.0, metrics.Compute()["accuracy"], 1e-12);
        Recording.Near((1 + (2 / 3.0) + 0) / 3, metrics.Compute()["f1"], 1e-12);
    }

    [Fact]
    public void An_update_on_the_host_allocates_nothing()
    {
        using var metrics = Ten(Classification.Multiclass(10));
        using var scores = rand(64, 10);
        using var labels = randint(0, 10, [64], ScalarType.Int64);
        using var weights = rand(64);
        for (var i = 0; i < 3; i++) metrics.Update(scores, labels, weights);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++) metrics.Update(scores, labels, weights);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Any_split_and_any_order_of_merging_and_samples_give_the_same_bits() => Gen.Int[0, 1_000_000].Sample(seed =>
    {
        using var batch = new RandomBatch(seed, faults: false);
        var random = new Random(seed);
        var count = (int)batch.Targets.shape[0];
        if (count == 0) return;
        using var order = tensor(Enumerable.Range(0, count).Select(i => (long)i).OrderBy(_ => random.Next()).ToArray());
        var cut = random.Next(count + 1);
        using var scope = NewDisposeScope();
        using var whole = All(batch.Task);
        using var first = All(batch.Task);
        using var second = All(batch.Task);
        whole.Update(batch.Comparison);
        first.Update(batch.Comparison.Select(order[..cut]));
        second.Update(batch.Comparison.Select(order[cut..]));
        var (into, from) = random.Next(2) == 0 ? (first, second) : (second, first);
        into.Merge(from);
        Assert.Equal(whole.Parts().First().States[0].ToArray<double>(), into.Parts().First().States[0].ToArray<double>());
        foreach (var ((name, expected), (_, actual)) in whole.Compute().Zip(into.Compute())) Recording.Near(expected, actual, 1e-12, $"{seed} {name}");
    }, iter: 60, threads: 1);

    [Fact]
    public void Metrics_of_whole_samples_and_of_groups_don_t_mind_splits_either() => Gen.Int[0, 1_000_000].Sample(seed =>
    {
        using var batch = new RandomBatch(seed, faults: false, weighCells: false);
        var count = batch.Targets.shape[0];
        if (count == 0) return;
        using var scope = NewDisposeScope();
        var (head, tail) = (arange(0, count / 2, ScalarType.Int64), arange(count / 2, count, ScalarType.Int64));
        void Same<TBatch>(Func<Metric<TBatch, double>> make, TBatch whole)
            where TBatch : struct, IMetricBatch<TBatch>
        {
            using var first = make();
            using var second = make();
            first.Update(whole.Select(tail));
            second.Update(whole.Select(head));
            first.Merge(second);
            using var expected = make();
            expected.Update(whole);
            Recording.Near(expected.Compute(), first.Compute(), 1e-12, $"{seed}");
        }
        Same(() => new ExactMatch(batch.Task), batch.Comparison);
        Same(() => new Samplewise(new F1Score(batch.Task)), batch.Comparison);
        if (batch.Task.Kind != ClassificationKind.Binary) return;
        using var parity = new BinaryFairness(3, batch.Task);
        using var halves = new BinaryFairness(3, batch.Task);
        var grouped = new GroupedComparison(batch.Predictions, batch.Targets, batch.Groups, batch.Weights);
        parity.Update(grouped);
        halves.Update(grouped.Select(tail));
        halves.Update(grouped.Select(head));
        Assert.Equal(parity.Compute(), halves.Compute());
    }, iter: 60, threads: 1);

    [Fact]
    public void Classes_that_appear_nowhere_are_left_out_of_the_mean_but_have_a_number()
    {
        using var predicted = tensor(new long[] { 0, 0, 1 });
        using var labels = tensor(new long[] { 0, 1, 1 });
        using var f1 = new F1Score(Three, zeroDivision: 1);
        f1.Update(predicted, labels);
        Assert.Equal(2 / 3.0, f1.Compute(), 1e-12);
        Recording.Near([2 / 3.0, 2 / 3.0, 1], f1.PerClass(), 1e-12);
    }

    [Fact]
    public void A_label_of_which_nothing_was_counted_has_no_number_and_no_share_in_the_mean()
    {
        using var predicted = tensor(new long[,] { { 1, 1 }, { 0, 1 } });
        using var labels = tensor(new long[,] { { 1, -1 }, { 0, -1 } });
        using var f1 = new F1Score(Classification.Multilabel(2, ignoreIndex: -1));
        f1.Update(predicted, labels);
        Recording.Near([1, double.NaN], f1.PerClass(), 0);
        Assert.Equal(1, f1.Compute());
    }

    [Fact]
    public void An_undefined_ratio_is_left_out_of_averages_if_it_is_nan()
    {
        using var predicted = tensor(new long[] { 0, 0, 0 });
        using var labels = tensor(new long[] { 0, 0, 2 });
        Assert.Equal(1 / 3.0, new PrecisionScoreOf(0).Compute(predicted, labels), 1e-12);
        Assert.Equal(5 / 6.0, new PrecisionScoreOf(1).Compute(predicted, labels), 1e-12);
        Assert.Equal(2 / 3.0, new PrecisionScoreOf(double.NaN).Compute(predicted, labels), 1e-12);
        Assert.Throws<ArgumentOutOfRangeException>(() => new F1Score(Three, zeroDivision: 0.5));
    }

    [Fact]
    public void Nothing_counted_gives_nan_and_nothing_given_an_error()
    {
        using var metrics = All(Classification.Multiclass(3, ignoreIndex: -1));
        Assert.Throws<InvalidOperationException>(metrics.Compute);
        using var none = zeros(0, 3);
        using var noLabels = zeros([0], ScalarType.Int64);
        metrics.Update(none, noLabels);
        Assert.All(metrics.Compute(), m => Assert.True(double.IsNaN(m.Value), m.Key));
        using var scores = full([2, 3], float.NaN);
        using var ignored = full([2], -1, ScalarType.Int64);
        metrics.Update(scores, ignored);
        Assert.All(metrics.Compute(), m => Assert.True(double.IsNaN(m.Value), m.Key));
        using var ratio = new F1Score(Three);
        using var labels = tensor(new long[] { 0, 1 });
        using var weights = zeros(2);
        ratio.Update(labels, labels, weights);
        Assert.Equal([double.NaN, double.NaN, double.NaN], ratio.PerClass());
    }

    [Fact]
    public void A_weighted_mean_without_any_sample_of_a_label_is_what_zero_by_zero_is()
    {
        using var predicted = tensor(new long[,] { { 0, 1 }, { 0, 0 } });
        using var labels = zeros([2, 2], ScalarType.Int64);
        using var recall = new RecallScore(Classification.Multilabel(2), Average.Weighted, zeroDivision: 1);
        recall.Update(predicted, labels);
        Assert.Equal(1, recall.Compute());
    }

    [Fact]
    public void Beta_weighs_recall_and_is_checked()
    {
        using var zero = new FBetaScore(Three, 0);
        using var precision = new PrecisionScore(Three);
        using var predicted = tensor(new long[] { 0, 1, 1, 2 });
        using var labels = tensor(new long[] { 0, 1, 2, 2 });
        Assert.Equal(precision.Of(predicted, labels), zero.Of(predicted, labels));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FBetaScore(Three, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FBetaScore(Three, double.NaN));
    }

    [Fact]
    public void Functions_give_what_the_metrics_give()
    {
        using var scores = tensor(new[,] { { 0.9f, 0.1f, 0 }, { 0.2f, 0.3f, 0.5f }, { 0.1f, 0.2f, 0.7f }, { 0.4f, 0.5f, 0.1f } });
        using var labels = tensor(new long[] { 0, 1, 2, 1 });
        using var weights = tensor(new[] { 1f, 2, 1, 0.5f });
        void Same(ClassRatio metric, double value)
        {
            using (metric) Assert.Equal(metric.Of(scores, labels, weights), value);
        }
        Same(new Accuracy(Three, Average.Weighted), Classify.Accuracy(scores, labels, Three, Average.Weighted, weights));
        Same(new HammingDistance(Three, Average.Macro), Classify.HammingDistance(scores, labels, Three, Average.Macro, weights));
        Same(new PrecisionScore(Three), Classify.PrecisionScore(scores, labels, Three, weights: weights));
        Same(new RecallScore(Three), Classify.RecallScore(scores, labels, Three, weights: weights));
        Same(new Specificity(Three), Classify.Specificity(scores, labels, Three, weights: weights));
        Same(new NegativePredictiveValue(Three), Classify.NegativePredictiveValue(scores, labels, Three, weights: weights));
        Same(new F1Score(Three), Classify.F1Score(scores, labels, Three, weights: weights));
        Same(new FBetaScore(Three, 2), Classify.FBetaScore(scores, labels, Three, 2, weights: weights));
        Same(new JaccardIndex(Three), Classify.JaccardIndex(scores, labels, Three, weights: weights));
    }

    [Fact]
    public void Lower_is_better_for_a_distance_only()
    {
        using var metrics = Ten(Three);
        Assert.Equal(["hamming"], metrics.Where(m => m.Value.HigherIsBetter == false).Select(m => m.Key));
    }

    static MetricCollection Ten(Classification task) => new()
    {
        { "accuracy", new Accuracy(task) },
        { "precision", new PrecisionScore(task) },
        { "recall", new RecallScore(task) },
        { "f1", new F1Score(task) },
        { "specificity", new Specificity(task) },
        { "jaccard", new JaccardIndex(task) },
        { "hamming", new HammingDistance(task) },
        { "mcc", new MatthewsCorrCoef(task) },
        { "kappa", new CohenKappa(task) },
        { "confusion", new ConfusionMatrix(task) },
    };

    // Everything that any task has.
    static MetricCollection All(Classification task) => new()
    {
        { "f1", new F1Score(task) },
        { "npv", new NegativePredictiveValue(task, Average.Weighted) },
        { "mcc", new MatthewsCorrCoef(task) },
        { "cells", new MultilabelConfusionMatrix(task) },
        { "hamming", new HammingDistance(task, Average.Micro) },
    };

    sealed record PrecisionScoreOf(double ZeroDivision)
    {
        public double Compute(Tensor predicted, Tensor labels)
        {
            using var metric = new PrecisionScore(Three, zeroDivision: ZeroDivision);
            return metric.Of(predicted, labels);
        }
    }
}
