using CsCheck;
using Raijin.Metrics.Tests.States;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class RegressionPropertyTests
{
    internal static readonly Func<RegressionMetric>[] Weighted =
    [
        () => new MeanSquaredError(2), () => new MeanSquaredError(2, root: true), () => new MeanAbsoluteError(2), () => new MeanAbsolutePercentageError(2),
        () => new SymmetricMeanAbsolutePercentageError(2), () => new WeightedMeanAbsolutePercentageError(2), () => new MeanSquaredLogError(2), () => new LogCoshError(2),
        () => new MinkowskiDistance(3, 2), () => new TweedieDevianceScore(1.5, 2), () => new R2Score(2), () => new ExplainedVariance(2, OutputAverage.VarianceWeighted),
        () => new RelativeSquaredError(2), () => new NormalizedRootMeanSquaredError(ErrorScale.Range, 2), () => new NormalizedRootMeanSquaredError(ErrorScale.Norm, 2),
        () => new PearsonCorrCoef(2), () => new ConcordanceCorrCoef(2, unbiased: true),
    ];

    internal static readonly Func<RegressionMetric>[] Unweighted =
        [() => new SpearmanCorrCoef(2), () => new KendallRankCorrCoef(KendallTau.C, 2), () => new CriticalSuccessIndex(1, 2)];

    static readonly Gen<(int[] Values, int Cut, int Second, int Seed)> Batches =
        Gen.Select(Gen.Int[1, 12].Array[24], Gen.Int[0, 6], Gen.Int[0, 6], Gen.Int[0, 999]);

    [Fact]
    public void Any_split_and_any_order_of_merging_gives_the_same() => Batches.Sample(batch =>
    {
        using var scope = NewDisposeScope();
        var whole = Make(batch.Values, weighted: true);
        var (low, high) = (Math.Min(batch.Cut, batch.Second), Math.Max(batch.Cut, batch.Second));
        Comparison Part(int from, int to) => whole.Select(arange(from, to));
        foreach (var make in Weighted.Concat(Unweighted))
        {
            var strip = Unweighted.Contains(make);
            Comparison Fit(Comparison of) => strip ? of with { Weights = null } : of;
            using var all = make();
            using var first = make();
            using var second = make();
            using var third = make();
            all.Update(Fit(whole));
            first.Update(Fit(Part(0, low)));
            second.Update(Fit(Part(low, high)));
            third.Update(Fit(Part(high, 6)));
            third.Merge(first);
            third.Merge(second);
            Recording.Near(all.PerOutput(), third.PerOutput(), 1e-9, all.GetType().Name);
        }
    }, iter: 25, threads: 1);

    [Fact]
    public void The_order_of_samples_changes_nothing_and_a_weight_is_so_many_repetitions() => Batches.Sample(batch =>
    {
        using var scope = NewDisposeScope();
        var weighted = Make(batch.Values, weighted: true);
        var weights = weighted.Weights!.data<double>().ToArray();
        // One sample has no spread, which several of it have: R² is undefined of the one, and defined of the others.
        if (weights.Count(w => w > 0) < 2) return;
        var repeats = weights.SelectMany((w, i) => Enumerable.Repeat((long)i, (int)w)).ToArray();
        new Random(batch.Seed).Shuffle(repeats);
        var repeated = weighted.Select(tensor(repeats)) with { Weights = null };
        foreach (var make in Weighted)
        {
            using var metric = make();
            Recording.Near(metric.Of(weighted), metric.Of(repeated), 1e-9, metric.GetType().Name);
        }
    }, iter: 25, threads: 1);

    [Fact]
    public void Ranks_hold_together_what_one_would_alone()
    {
        using var scope = NewDisposeScope();
        var all = Recorded.Batch("multi");
        foreach (var make in (Func<RegressionMetric>[])[() => new R2Score(3), () => new PearsonCorrCoef(3), () => new NormalizedRootMeanSquaredError(ErrorScale.Range, 3), () => new KendallRankCorrCoef(outputs: 3)])
        {
            using var alone = make();
            alone.Update(all);
            using var world = new RankedWorld(2);
            var together = world.Run(ranks =>
            {
                using var mine = NewDisposeScope();
                using var metric = make();
                metric.Update(all.Select(ranks.Rank == 0 ? arange(0, 7) : arange(7, 25)));
                using (metric.Synchronize(ranks)) return metric.PerOutput();
            });
            foreach (var rank in together) Recording.Near(alone.PerOutput(), rank, 1e-12, alone.GetType().Name);
        }
    }

    [Fact]
    public void Every_metric_of_regression_has_its_function()
    {
        var metrics = typeof(RegressionMetric).Assembly.GetExportedTypes().Where(t => !t.IsAbstract && (t.IsSubclassOf(typeof(RegressionMetric)) || t.IsSubclassOf(typeof(SampleMetric)))).Select(t => t.Name).Order();
        Assert.Equal(metrics, typeof(Regression).GetMethods(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static).Select(m => m.Name).Order());
    }

    [Fact]
    public void Functions_hand_their_options_on()
    {
        using var scope = NewDisposeScope();
        var (one, several, positive) = (Recorded.Batch("plain", weighted: true), Recorded.Batch("multi", weighted: true), Recorded.Batch("positive", weighted: true));
        void Near(string name, double actual) => Recording.Near(Recorded.Number(name), actual, 1e-9, name);
        Near("rmse/weighted", Regression.MeanSquaredError(one.Predictions, one.Targets, one.Weights, root: true));
        Near("mae/weighted", Regression.MeanAbsoluteError(one.Predictions, one.Targets, one.Weights));
        Near("mape/mean", Regression.MeanAbsolutePercentageError(several.Predictions, several.Targets, outputs: 3));
        Near("smape", Regression.SymmetricMeanAbsolutePercentageError(one.Predictions, one.Targets));
        Near("wmape", Regression.WeightedMeanAbsolutePercentageError(one.Predictions, one.Targets));
        Near("rmsle/weighted", Regression.MeanSquaredLogError(positive.Predictions, positive.Targets, positive.Weights, root: true));
        Near("minkowski 3.5/weighted", Regression.MinkowskiDistance(one.Predictions, one.Targets, 3.5, one.Weights));
        Near("tweedie 1.4/weighted", Regression.TweedieDevianceScore(positive.Predictions, positive.Targets, 1.4, positive.Weights));
        Near("r2/variance weighted", Regression.R2Score(several.Predictions, several.Targets, outputs: 3, average: OutputAverage.VarianceWeighted));
        Near("r2/adjusted", Regression.R2Score(one.Predictions, one.Targets, adjusted: 4));
        Near("explained variance/variance weighted", Regression.ExplainedVariance(several.Predictions, several.Targets, outputs: 3, average: OutputAverage.VarianceWeighted));
        Near("rse/root mean", Regression.RelativeSquaredError(several.Predictions, several.Targets, outputs: 3, root: true));
        Near("nrmse l2", Regression.NormalizedRootMeanSquaredError(one.Predictions, one.Targets, ErrorScale.Norm));
        Near("concordance/unbiased", Regression.ConcordanceCorrCoef(one.Predictions, one.Targets, unbiased: true));
        Near("kendall c", Regression.KendallRankCorrCoef(one.Predictions, one.Targets, KendallTau.C));
        var vectors = Recorded.Batch("vectors");
        Recording.Near(Recorded.Numbers("cosine/rows").Sum(), Regression.CosineSimilarity(vectors.Predictions, vectors.Targets, reduction: SampleReduction.Sum), 1e-9);
    }

    [Fact]
    public void Sums_of_whole_numbers_have_the_same_bits_whatever_the_split() => Batches.Sample(batch =>
    {
        using var scope = NewDisposeScope();
        var whole = Make(batch.Values, weighted: true);
        foreach (var make in (Func<RegressionMetric>[])[() => new MeanSquaredError(2), () => new MeanAbsoluteError(2), () => new WeightedMeanAbsolutePercentageError(2)])
        {
            using var all = make();
            using var parts = make();
            all.Update(whole);
            parts.Update(whole.Select(arange(batch.Cut, 6)));
            parts.Update(whole.Select(arange(0, batch.Cut)));
            Assert.Equal(all.Compute(), parts.Compute());
        }
    }, iter: 25, threads: 1);

    [Fact]
    public void Shapes_and_dtypes_are_refused_before_anything_changes()
    {
        using var scope = NewDisposeScope();
        using var one = new MeanSquaredError();
        using var two = new R2Score(2);
        Refused(one, new(ones([3]), ones([4])), "targets");
        Refused(one, new(ones([3]), ones([3, 1])), "targets");
        Refused(one, new(ones([]), ones([])), "predictions");
        Refused(one, new(ones([3], ScalarType.ComplexFloat32), ones([3])), "real numbers");
        Refused(one, new(ones([3]), ones([3]), ones([3, 1])), "weights");
        Refused(one, new(ones([3]), ones([3]), ones([2])), "weights");
        Refused(two, new(ones([3]), ones([3])), "[B, 2]");
        Refused(two, new(ones([3, 3]), ones([3, 3])), "[B, 2]");
        Assert.Equal(0, one.Updates + two.Updates);

        static void Refused(Metric<Comparison, double> metric, Comparison batch, string part) =>
            Assert.Contains(part, Assert.Throws<ShapeMismatchException>(() => metric.Update(batch)).Message);
    }

    [Fact]
    public void Which_direction_is_better_is_said()
    {
        foreach (var make in Weighted.Concat(Unweighted))
        {
            using var metric = make();
            Assert.Equal(metric is R2Score or ExplainedVariance or PearsonCorrCoef or ConcordanceCorrCoef or SpearmanCorrCoef or KendallRankCorrCoef or CriticalSuccessIndex, metric.HigherIsBetter);
        }
    }

    /// <summary>Six samples of two outputs, whole numbers from 1 on, weights from 0 to 3, the first positive.</summary>
    static Comparison Make(int[] values, bool weighted)
    {
        var numbers = tensor(values.Select(v => (double)v).ToArray());
        var weights = tensor(values.Take(6).Select((v, i) => i == 0 ? 2.0 : v % 4).ToArray());
        return new(numbers.narrow(0, 0, 12).reshape(6, 2), numbers.narrow(0, 12, 12).reshape(6, 2), weighted ? weights : null);
    }
}
