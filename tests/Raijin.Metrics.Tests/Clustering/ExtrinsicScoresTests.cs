using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Clustering;

public sealed class ExtrinsicScoresTests
{
    static readonly EntropyMean[] Means = [EntropyMean.Arithmetic, EntropyMean.Geometric, EntropyMean.Min, EntropyMean.Max];

    /// <summary>All scores in a collection, in the order of their recording.</summary>
    static MetricCollection All(long? ignoreIndex = null) => new()
    {
        { "mutual_info", new MutualInfoScore(ignoreIndex) },
        { "normalized", new NormalizedMutualInfoScore(ignoreIndex: ignoreIndex) },
        { "adjusted", new AdjustedMutualInfoScore(ignoreIndex: ignoreIndex) },
        { "rand", new RandScore(ignoreIndex) },
        { "adjusted_rand", new AdjustedRandScore(ignoreIndex) },
        { "fowlkes_mallows", new FowlkesMallowsIndex(ignoreIndex) },
        { "homogeneity", new HomogeneityScore(ignoreIndex) },
        { "completeness", new CompletenessScore(ignoreIndex) },
        { "v_measure", new VMeasureScore(ignoreIndex: ignoreIndex) },
        { "accuracy", new ClusterAccuracy(ignoreIndex) },
    };

    [Theory]
    [InlineData("unrelated")]
    [InlineData("related")]
    [InlineData("equal")]
    [InlineData("one_class")]
    [InlineData("one_cluster")]
    [InlineData("one_of_each")]
    [InlineData("alone")]
    [InlineData("independent")]
    [InlineData("alone_by_class")]
    public void Scores_are_those_of_scikit_learn(string name)
    {
        var recorded = Recording.Open("clustering").GetProperty("extrinsic").GetProperty(name);
        using var truth = recorded.GetProperty("true").Tensor(ScalarType.Int64);
        using var predicted = recorded.GetProperty("predicted").Tensor(ScalarType.Int64);
        const double Tolerance = 1e-10;
        Recording.Near(recorded.GetProperty("mutual_info").Number(), Cluster.MutualInfo(predicted, truth), Tolerance, "mutual_info");
        Recording.Near(recorded.GetProperty("normalized").Numbers(), [.. Means.Select(m => Cluster.NormalizedMutualInfo(predicted, truth, m))], Tolerance, "normalized");
        if (!name.StartsWith("alone", StringComparison.Ordinal)) Recording.Near(recorded.GetProperty("adjusted").Numbers(), [.. Means.Select(m => Cluster.AdjustedMutualInfo(predicted, truth, m))], Tolerance, "adjusted");
        Recording.Near(recorded.GetProperty("rand").Number(), Cluster.Rand(predicted, truth), Tolerance, "rand");
        Recording.Near(recorded.GetProperty("adjusted_rand").Number(), Cluster.AdjustedRand(predicted, truth), Tolerance, "adjusted_rand");
        Recording.Near(recorded.GetProperty("fowlkes_mallows").Number(), Cluster.FowlkesMallows(predicted, truth), Tolerance, "fowlkes_mallows");
        Recording.Near(recorded.GetProperty("homogeneity").Number(), Cluster.Homogeneity(predicted, truth), Tolerance, "homogeneity");
        Recording.Near(recorded.GetProperty("completeness").Number(), Cluster.Completeness(predicted, truth), Tolerance, "completeness");
        Recording.Near(recorded.GetProperty("v_measure").Numbers(), [.. new[] { 0.5, 1, 2 }.Select(b => Cluster.VMeasure(predicted, truth, b))], Tolerance, "v_measure");
        Recording.Near(recorded.GetProperty("accuracy").Number(), Cluster.Accuracy(predicted, truth), Tolerance, "accuracy");
    }

    [Fact]
    public void Equal_clusterings_score_exactly_one()
    {
        using var truth = tensor(new long[] { 0, 0, 1, 2, 2, 2, 7 });
        using var renamed = tensor(new long[] { 4, 4, -9, 0, 0, 0, 5 });
        using var metrics = All();
        metrics.Update(renamed, truth);
        foreach (var (name, value) in metrics.Compute())
            if (name != "mutual_info") Assert.True(Math.Abs(1 - value) < 1e-15, $"{name} = {value}");
    }

    [Fact]
    public void Information_that_chance_has_too_scores_one_for_equal_clusterings_and_else_zero()
    {
        using var alone = arange(9);
        using var reversed = arange(9, 0, -1);
        using var classes = tensor(new long[] { 0, 0, 0, 1, 1, 1, 2, 2, 2 });
        Assert.All(Means, m => Assert.Equal(1, Cluster.AdjustedMutualInfo(alone, reversed, m)));
        Assert.All(Means, m => Assert.Equal(0, Cluster.AdjustedMutualInfo(alone, classes, m), 1e-14));
    }

    [Fact]
    public void All_scores_of_a_collection_share_one_table()
    {
        using var metrics = All();
        Assert.Equal(1, metrics.NumAccumulations);
        Assert.All(metrics, m => Assert.True(m.Value.HigherIsBetter));
    }

    [Fact]
    public void Any_split_into_updates_any_order_and_any_merge_give_the_same_bits() =>
        Gen.Select(Gen.Long[-2, 4].Array[1, 40], Gen.Long[-2, 4].Array[40], Gen.Int[0, 40], Gen.Int[0, 1000]).Sample((truth, predictions, cut, seed) =>
        {
            var n = truth.Length;
            using var scope = NewDisposeScope();
            var (t, p) = (tensor(truth), tensor(predictions[..n]));
            using var whole = All();
            whole.Update(p, t);
            using var first = All();
            using var second = All();
            var order = Enumerable.Range(0, n).OrderBy(i => (i + 1) * 7919 % (seed + 13)).Select(i => (long)i).ToArray();
            cut = Math.Min(cut, n);
            // The second half goes through ops (32-bit beside 64-bit labels), the first through the kernel.
            second.Update(tensor(order[..cut]) is var a ? p.index_select(0, a).to(ScalarType.Int32) : p, t.index_select(0, a));
            first.Update(tensor(order[cut..]) is var b ? p.index_select(0, b) : p, t.index_select(0, b));
            first.Merge(second);
            Assert.Equal(whole.Compute(), first.Compute());
        }, iter: 40);

    [Fact]
    public void The_kernel_and_the_ops_fill_the_same_table()
    {
        using var scope = NewDisposeScope();
        foreach (var ignore in (long?[])[null, 1])
            foreach (var type in (ScalarType[])[ScalarType.Int64, ScalarType.Int32])
            {
                var pairs = new LabelPairs(ignore);
                using var host = new MetricStates();
                using var ops = new MetricStates();
                pairs.Declare(host);
                pairs.Declare(ops);
                var batch = new Comparison(arange(300).remainder(7).to(type), arange(300).remainder(4).sub(1).to(type));
                Assert.True(pairs.TryAddOnHost(host, in batch));
                pairs.Add(ops, in batch);
                Assert.Equal(Contingency.Distinct(host[0].ToArray<long>()), Contingency.Distinct(ops[0].ToArray<long>()));
            }
    }

    [Fact]
    public void Pairs_are_counted_alike_wherever_their_labels_lie() =>
        Gen.Select(Gen.Int[0, 30].Array[0, 60], Gen.Int[0, 30].Array[60], Gen.Int[0, 3].Select(i => ((long[])[1, 7, 1_000_003, long.MaxValue / 20])[i])).Sample((classes, clusters, stretch) =>
        {
            // Stretched labels are sorted and their pairs as well; narrow ones are looked up. Differences of the widest overflow.
            var rows = classes.SelectMany((c, i) => (long[])[(c - 15) * stretch, (clusters[i] - 15) * stretch, i % 3]).ToArray();
            var expected = classes.Select((c, i) => ((c - 15) * stretch, (clusters[i] - 15) * stretch, i % 3)).GroupBy(r => (r.Item1, r.Item2))
                .Select(g => (g.Key, Count: g.Sum(r => r.Item3))).Where(g => g.Count > 0).Order().SelectMany(g => (long[])[g.Key.Item1, g.Key.Item2, g.Count]);
            Assert.Equal(expected, Contingency.Distinct(rows));
        }, iter: 200);

    [Fact]
    public void Pairs_of_many_labels_are_sorted()
    {
        // 3,000 by 3,000 labels are too many cells for 3,000 rows.
        var rows = Enumerable.Range(0, 6000).SelectMany(i => (long[])[i * 7 % 3000, i * 11 % 3000, 1]).ToArray();
        var distinct = Contingency.Distinct(rows);
        Assert.Equal(9000, distinct.Length);
        Assert.All(distinct.Chunk(3).Index(), row => Assert.Equal((row.Index, 2), (row.Item[0], row.Item[2])));
    }

    [Fact]
    public void The_rows_kept_follow_the_distinct_pairs_not_the_samples()
    {
        using var scope = NewDisposeScope();
        using var rand = new AdjustedRandScore();
        var (truth, predicted) = (arange(10_000).remainder(10), arange(10_000).remainder(6));
        for (var i = 0; i < 20; i++) rand.Update(predicted, truth);
        Assert.InRange(rand.States[0].Rows, 1, 1 << 15);
        rand.Compute();
        Assert.Equal(30, rand.States[0].Rows);
        using var once = new AdjustedRandScore();
        Assert.Equal(once.Of(predicted.repeat(20), truth.repeat(20)), rand.Compute());
    }

    [Fact]
    public void Samples_of_the_ignored_class_are_left_out()
    {
        using var scope = NewDisposeScope();
        var truth = tensor(new long[] { 0, -1, 1, 1, -1, 0, 2 });
        var predicted = tensor(new long[] { 3, 3, 3, 1, 1, 0, 0 });
        var kept = truth.ne(-1).nonzero().squeeze(1);
        using var ignoring = All(ignoreIndex: -1);
        using var chosen = All();
        ignoring.Update(predicted, truth);
        chosen.Update(predicted.index_select(0, kept), truth.index_select(0, kept));
        Assert.Equal(chosen.Compute(), ignoring.Compute());
    }

    [Fact]
    public void No_sample_scores_as_documented()
    {
        using var none = zeros([0], ScalarType.Int64);
        using var metrics = All();
        metrics.Update(none, none);
        Assert.Equal([0, 1, 1, 1, 1, 0, 1, 1, 1, double.NaN], metrics.Compute().Values);
    }

    [Fact]
    public void Expected_information_agrees_with_its_sum_over_factorials()
    {
        // Vinh, Epps and Bailey 2010, equation 24a, with whole factorials.
        double[] a = [5, 4, 3], b = [6, 4, 2];
        var expected = 0.0;
        foreach (var x in a)
            foreach (var y in b)
                for (var n = Math.Max(1, x + y - 12); n <= Math.Min(x, y); n++)
                    expected += n / 12 * Math.Log(12 * n / (x * y)) * F(x) * F(y) * F(12 - x) * F(12 - y)
                        / (F(12) * F(n) * F(x - n) * F(y - n) * F(12 - x - y + n));
        using var truth = tensor(new long[] { 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2 });
        using var predicted = tensor(new long[] { 0, 1, 0, 2, 0, 0, 1, 1, 0, 1, 0, 2 });
        using var metric = new MutualInfoScore();
        metric.Update(predicted, truth);
        Assert.Equal(expected, Contingency.Of(metric.States).ExpectedMutualInformation(), 1e-14);

        static double F(double n) => Enumerable.Range(1, (int)n).Aggregate(1.0, (f, i) => f * i);
    }

    [Fact]
    public void Labels_that_are_no_two_lists_of_integers_are_refused()
    {
        using var scope = NewDisposeScope();
        using var metric = new RandScore();
        var labels = arange(4);
        Assert.Contains("[4] Float32", Assert.Throws<ShapeMismatchException>(() => metric.Update(rand(4), labels)).Message);
        Assert.Contains("[3] Int64", Assert.Throws<ShapeMismatchException>(() => metric.Update(labels, arange(3))).Message);
        Assert.Contains("[2, 2] Int64", Assert.Throws<ShapeMismatchException>(() => metric.Update(labels.reshape(2, 2), labels.reshape(2, 2))).Message);
        Assert.Contains("none", Assert.Throws<ShapeMismatchException>(() => metric.Update(labels, labels, rand(4))).Message);
        Assert.Equal(0, metric.Updates);
        Assert.Throws<ArgumentOutOfRangeException>(() => new VMeasureScore(beta: -1));
    }
}
