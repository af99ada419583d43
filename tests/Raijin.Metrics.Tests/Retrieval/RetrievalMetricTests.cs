using System.Text.Json;
using CsCheck;
using static TorchSharp.torch;

// Not the folder's name, which would hide the class of that name.
namespace Raijin.Metrics.Tests.Rankings;

public sealed class RetrievalMetricTests
{
    /// <summary>torchmetrics computes in float32.</summary>
    const double Single = 5e-7;

    static readonly JsonElement Recorded = Recording.Open("retrieval");

    /// <summary>The documents of a recording, in the open scope.</summary>
    static Retrieved Documents(string name)
    {
        var data = Recorded.GetProperty(name);
        return new(data.GetProperty("scores").Tensor(), data.GetProperty("relevance").Tensor(ScalarType.Int64), data.GetProperty("queries").Tensor(ScalarType.Int64));
    }

    static double[] AtEach(Func<int?, double> metric, params int?[] ks) => [.. ks.Select(metric)];

    static MetricCollection<Retrieved> All(RetrievalOptions? options = null) => new()
    {
        { "map", new RetrievalMap(options: options) },
        { "mrr", new RetrievalMrr(options: options) },
        { "ndcg", new RetrievalNdcg(options: options) },
        { "precision", new RetrievalPrecision(2, options: options) },
        { "recall", new RetrievalRecall(2, options: options) },
        { "fall_out", new RetrievalFallOut(2, options: options) },
        { "hit_rate", new RetrievalHitRate(2, options: options) },
        { "r_precision", new RetrievalRPrecision(options) },
        { "auroc", new RetrievalAuroc(options: options) },
        { "curve", new RetrievalPrecisionRecallCurve(options: options) },
        { "fixed", new RetrievalRecallAtFixedPrecision(0.3, options: options) },
    };

    [Fact]
    public void Rankings_of_binary_relevance_score_as_in_scikit_learn()
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("sklearn");
        var (binary, tied) = (Documents("binary"), Documents("tied"));
        var skip = new RetrievalOptions { Undefined = UndefinedQuery.Skip };
        using var map = new RetrievalMap(options: skip);
        using var auroc = new RetrievalAuroc(options: skip);
        using var partial = new RetrievalAuroc(maxFpr: 0.3, options: skip);
        using var wider = new RetrievalAuroc(maxFpr: 0.4, options: skip);
        Recording.Near(recorded.GetProperty("map").Number(), map.Of(binary), 1e-12);
        Recording.Near(recorded.GetProperty("auroc").Number(), auroc.Of(binary), 1e-12);
        Recording.Near(recorded.GetProperty("auroc_to_0.3").Number(), partial.Of(binary), 1e-12);
        Recording.Near(recorded.GetProperty("auroc_tied").Number(), auroc.Of(tied), 1e-12);
        Recording.Near(recorded.GetProperty("auroc_tied_to_0.4").Number(), wider.Of(tied), 1e-12);
    }

    [Fact]
    public void Rankings_of_graded_relevance_score_as_in_scikit_learn()
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("sklearn");
        var (graded, tied) = (Documents("graded"), Documents("tied"));
        Recording.Near(recorded.GetProperty("ndcg").Numbers(), AtEach(k => Retrieval.Ndcg(graded.Scores, graded.Relevance, graded.Queries, k), null, 1, 4), 1e-12);
        Recording.Near(recorded.GetProperty("ndcg_exponential").Numbers(), AtEach(k => Retrieval.Ndcg(graded.Scores, graded.Relevance, graded.Queries, k, RelevanceGain.Exponential), null, 1, 4), 1e-12);
        Recording.Near(recorded.GetProperty("ndcg_tied").Numbers(), AtEach(k => Retrieval.Ndcg(tied.Scores, tied.Relevance, tied.Queries, k), null, 1, 4), 1e-12);
    }

    [Fact]
    public void Rankings_score_as_in_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("torchmetrics");
        var (scores, relevance, queries) = Documents("binary");
        var graded = Documents("graded");
        Near("map", AtEach(k => Retrieval.Map(scores, relevance, queries, k, PrecisionMean.Retrieved), null, 3));
        Near("mrr", AtEach(k => Retrieval.Mrr(scores, relevance, queries, k), null, 1));
        Near("ndcg", AtEach(k => Retrieval.Ndcg(graded.Scores, graded.Relevance, graded.Queries, k), null, 4));
        Near("precision", AtEach(k => Retrieval.Precision(scores, relevance, queries, k), null, 5, 30));
        Near("precision_adaptive", Retrieval.Precision(scores, relevance, queries, 30, adaptiveK: true));
        Near("recall", AtEach(k => Retrieval.Recall(scores, relevance, queries, k), null, 5));
        Near("fall_out", AtEach(k => Retrieval.FallOut(scores, relevance, queries, k), null, 5));
        Near("hit_rate", AtEach(k => Retrieval.HitRate(scores, relevance, queries, k), 1, 2));
        Near("r_precision", Retrieval.RPrecision(scores, relevance, queries));
        Near("auroc", AtEach(k => Retrieval.Auroc(scores, relevance, queries, k), null, 8));
        var curve = Retrieval.PrecisionRecallCurve(scores, relevance, queries);
        Near("curve", [.. curve.Precision, .. curve.Recall]);
        curve = Retrieval.PrecisionRecallCurve(scores, relevance, queries, maxK: 25, adaptiveK: true);
        Near("curve_adaptive", [.. curve.Precision, .. curve.Recall]);
        Near("recall_at_precision", [.. new[] { 0.3, 0.5, 0.99 }.Select(p => Retrieval.RecallAtFixedPrecision(scores, relevance, p, queries)).SelectMany(r => (double[])[r.Recall, r.K])]);

        void Near(string name, params double[] values) => Recording.Near(recorded.GetProperty(name).Numbers(), values, Single, name);
    }

    [Fact]
    public void Queries_are_aggregated_as_asked()
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("torchmetrics");
        var documents = Documents("binary");
        foreach (var aggregation in Enum.GetValues<QueryAggregation>())
        {
            using var recall = new RetrievalRecall(5, new() { Aggregation = aggregation });
            // Seven queries: the median is one of them in torchmetrics too.
            var expected = aggregation == QueryAggregation.Mean ? recorded.GetProperty("recall")[1] : recorded.GetProperty(aggregation.ToString().ToLowerInvariant());
            Recording.Near(expected.Number(), recall.Of(documents), Single, aggregation.ToString());
        }
        using var custom = new RetrievalRecall(5, new() { CustomAggregation = values => values.Count + values[0] });
        using var plain = new RetrievalRecall(5);
        plain.Update(documents);
        var each = plain.PerQuery();
        Assert.Equal([-3, 2, 7, 12, 17, 22, 27], each.Keys);
        Assert.Equal(each.Values.Average(), plain.Compute());
        Assert.Equal(7 + each[-3], custom.Of(documents));
        using var even = new RetrievalRecall(1, new() { Aggregation = QueryAggregation.Median });
        Assert.Equal(0.25, even.Of(tensor(new[] { 2f, 1, 2, 1 }), tensor(new[] { 1, 1, 0, 1 }), tensor(new[] { 0, 0, 1, 1 })), 1e-15);
    }

    [Theory]
    [InlineData(UndefinedQuery.Zero, "neg")]
    [InlineData(UndefinedQuery.One, "pos")]
    [InlineData(UndefinedQuery.Skip, "skip")]
    public void A_query_without_a_relevant_document_counts_as_asked(UndefinedQuery action, string name)
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("lonely");
        var documents = Documents("binary") with { Relevance = recorded.GetProperty("relevance").Tensor(ScalarType.Int64) };
        using var mrr = new RetrievalMrr(options: new() { Undefined = action });
        Recording.Near(recorded.GetProperty(name).Number(), mrr.Of(documents), Single);
        mrr.Update(documents);
        Assert.Equal(action == UndefinedQuery.Skip ? 6 : 7, mrr.PerQuery().Count);
    }

    [Fact]
    public void A_query_on_which_a_metric_is_undefined_is_refused_where_that_is_asked()
    {
        using var scope = NewDisposeScope();
        using var metrics = All(new() { Undefined = UndefinedQuery.Error });
        metrics.Update(rand(6), tensor(new[] { true, true, false, false, false, true }), tensor(new[] { 5, 5, 7, 7, 9, 9 }));
        foreach (var (name, metric) in metrics)
        {
            var error = Assert.Throws<MetricInputException>(() => metric.ComputeScalar());
            var expected = name switch { "fall_out" => (1, 5), "auroc" => (2, 5), _ => (1L, 7.0) };
            Assert.Equal(expected, (error.Count, error.First));
        }
        Assert.Contains("a relevant document and one that is not", Assert.Throws<MetricInputException>(() => metrics["auroc"].ComputeScalar()).Message);
    }

    [Fact]
    public void The_worst_is_what_an_undefined_query_counts_as_by_itself()
    {
        using var scope = NewDisposeScope();
        var (scores, query) = (tensor(new[] { 0.3f, 0.2f }), tensor(new long[] { 1, 1 }));
        using var none = All();
        none.Update(scores, zeros([2], ScalarType.Int64), query);
        Assert.Equal([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2], none.Compute().Values);
        Assert.Equal(1, Retrieval.FallOut(scores, ones([2], ScalarType.Int64)));
        Assert.Equal(0, Retrieval.Auroc(scores, ones([2], ScalarType.Int64)));
    }

    [Fact]
    public void Documents_of_the_ignored_relevance_are_left_out()
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("ignoring");
        var documents = Documents("binary") with { Relevance = recorded.GetProperty("relevance").Tensor(ScalarType.Int64) };
        using var map = new RetrievalMap(options: new() { IgnoreIndex = 2 });
        Recording.Near(recorded.GetProperty("map").Number(), map.Of(documents), Single);

        // Also where the mark is no possible relevance.
        using var ignoring = All(new() { IgnoreIndex = -1 });
        using var chosen = All();
        ignoring.Update(documents with { Relevance = documents.Relevance.masked_fill(documents.Relevance.eq(2), -1) });
        chosen.Update(documents.Select(documents.Relevance.ne(2).nonzero().squeeze(1)));
        Assert.Equal(chosen.Compute(), ignoring.Compute());
    }

    [Fact]
    public void A_collection_sorts_once_and_shares_the_documents()
    {
        using var scope = NewDisposeScope();
        using var metrics = All();
        Assert.Equal(1, metrics.NumAccumulations);
        Assert.Equal(["fall_out"], metrics.Where(m => m.Value.HigherIsBetter == false).Select(m => m.Key));
        Assert.Equal([true, null], ((string[])["recall", "k"]).Select(metrics["fixed"].HigherIsBetterOf));
        metrics.Update(Documents("tied"));
        var computed = metrics.Compute();
        var states = metrics["map"].States;
        Assert.Equal(states[2].ToArray<long>().Order(), states[2].ToArray<long>());
        Assert.Equal(computed, metrics.Compute());
        metrics.Update(Documents("binary"));
        using var fresh = All();
        fresh.Update(Documents("tied"));
        fresh.Update(Documents("binary"));
        Assert.Equal(fresh.Compute(), metrics.Compute());
    }

    [Fact]
    public void Any_split_into_updates_any_order_and_any_merge_give_the_same_bits_where_no_scores_are_equal() =>
        Gen.Select(Gen.Int[0, 3].Array[1, 40], Gen.Int[1, 5], Gen.Int[0, 40], Gen.Int[1, 1000]).Sample((grades, numQueries, cut, seed) =>
        {
            using var scope = NewDisposeScope();
            var n = grades.Length;
            var documents = new Retrieved(arange(n).mul(37).remainder(41).to(ScalarType.Float32).div(41), tensor(grades), arange(n).mul(7).remainder(numQueries));
            using var whole = All();
            whole.Update(documents);
            var order = Enumerable.Range(0, n).OrderBy(i => (i + 1) * 7919 % (seed + 13)).Select(i => (long)i).ToArray();
            cut = Math.Min(cut, n);
            using var first = All();
            using var second = All();
            first.Update(documents.Select(tensor(order[..cut])));
            second.Update(documents.Select(tensor(order[cut..])));
            second.Merge(first);
            Assert.Equal(whole.Compute(), second.Compute());
        }, iter: 40);

    [Fact]
    public void The_kernel_and_the_ops_keep_the_same_documents_and_note_the_same_faults()
    {
        using var scope = NewDisposeScope();
        ScalarType[] floats = [ScalarType.Float32, ScalarType.Float64], grades = [ScalarType.Int64, ScalarType.Int32, ScalarType.Bool, .. floats];
        foreach (var ignore in (long?[])[null, 1, -2])
            foreach (var (score, grade) in floats.SelectMany(s => grades.Select(g => (s, g))))
            {
                // More than one chunk; 3 and every fifth of the scores are no documents to rank, and -2 no grade.
                var relevance = arange(600).remainder(5).sub(2).to(grade);
                var scores = arange(600).mul(7).remainder(601).to(score).masked_fill(arange(600).remainder(200).eq(3), double.NaN);
                var batch = new Retrieved(scores, relevance, arange(600).remainder(9).to(score == ScalarType.Float32 ? ScalarType.Int64 : ScalarType.Int32));
                var documents = new RankedDocuments(ignore);
                using var host = new MetricStates();
                using var ops = new MetricStates();
                documents.Declare(host);
                documents.Declare(ops);
                Assert.True(documents.TryAddOnHost(host, in batch));
                documents.Add(ops, in batch);
                Assert.Equal(ops[3].ToArray<double>(), host[3].ToArray<double>());
                RankedDocuments.Sort(ops);
                RankedDocuments.Sort(host);
                for (var i = 0; i < 2; i++) Assert.Equal(ops[i].ToArray<double>(), host[i].ToArray<double>());
                Assert.Equal(ops[2].ToArray<long>(), host[2].ToArray<long>());
            }
    }

    [Fact]
    public void Equal_scores_keep_the_order_they_came_in_or_share_their_gain()
    {
        using var scope = NewDisposeScope();
        var (scores, relevance) = (ones(3), tensor(new[] { 0, 1, 0 }));
        Assert.Equal(0.5, Retrieval.Mrr(scores, relevance));
        Assert.Equal(0.5, Retrieval.Auroc(scores, relevance));
        Assert.Equal(1 / Math.Log2(3), Retrieval.Ndcg(scores, relevance, ties: ScoreTies.Order), 1e-15);
        Assert.Equal((1 + 1 / Math.Log2(3) + 0.5) / 3, Retrieval.Ndcg(scores, relevance), 1e-15);
        Assert.Equal(1.0 / 3, Retrieval.Ndcg(scores, relevance, k: 1), 1e-15);
    }

    [Fact]
    public void Average_precision_at_k_is_divided_as_asked()
    {
        // Relevant at the ranks 2, 3 and 5 of 5.
        using var scope = NewDisposeScope();
        var (scores, relevance) = (tensor(new[] { 5f, 4, 3, 2, 1 }), tensor(new[] { false, true, true, false, true }));
        var sum = 1.0 / 2 + 2.0 / 3;
        Assert.Equal(sum / 3, Retrieval.Map(scores, relevance, k: 4), 1e-15);
        Assert.Equal(1.0 / 4, Retrieval.Map(scores, relevance, k: 2, mean: PrecisionMean.Reachable), 1e-15);
        Assert.Equal(sum / 2, Retrieval.Map(scores, relevance, k: 4, mean: PrecisionMean.Retrieved), 1e-15);
        Assert.Equal((sum + 3.0 / 5) / 3, Retrieval.Map(scores, relevance), 1e-15);
        Assert.Equal(0, Retrieval.Map(scores, relevance, k: 1));
    }

    [Fact]
    public void Negative_scores_rank_like_any_other()
    {
        using var scope = NewDisposeScope();
        var (scores, relevance, queries) = Documents("binary");
        Assert.Equal(Retrieval.Map(scores, relevance, queries), Retrieval.Map(scores - 5, relevance, queries), 1e-15);
    }

    [Fact]
    public void No_document_has_no_score()
    {
        using var scope = NewDisposeScope();
        using var metrics = All();
        metrics.Update(zeros([0]), zeros([0], ScalarType.Int64), zeros([0], ScalarType.Int64));
        var computed = metrics.Compute();
        Assert.Equal([.. Enumerable.Repeat(double.NaN, 9), 0, 0, 0], computed.Values);
        using var curve = new RetrievalPrecisionRecallCurve(maxK: 2, options: new() { Undefined = UndefinedQuery.Skip });
        Assert.Equal([double.NaN, double.NaN], curve.Of(ones([1]), zeros([1]), zeros([1], ScalarType.Int64)).Recall);
    }

    [Fact]
    public void Inputs_of_other_shapes_and_values_that_can_not_be_ranked_are_refused()
    {
        using var scope = NewDisposeScope();
        using var map = new RetrievalMap();
        Assert.Contains("floating", Assert.Throws<ShapeMismatchException>(() => map.Update(arange(3), arange(3), arange(3))).Message);
        Assert.Contains("relevance", Assert.Throws<ShapeMismatchException>(() => map.Update(rand(3), arange(2), arange(3))).Message);
        Assert.Contains("[3] integers", Assert.Throws<ShapeMismatchException>(() => map.Update(rand(3), arange(3), rand(3))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetrievalMap(k: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetrievalAuroc(maxFpr: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetrievalRecallAtFixedPrecision(minPrecision: 1.5));
        map.Update(tensor(new[] { 1, float.NaN, 0 }), arange(3), arange(3));
        Assert.Contains("scores that are numbers, but 1 value was", Assert.Throws<MetricInputException>(() => map.Compute()).Message);
        map.Reset();
        map.Update(rand(3), tensor(new[] { 1, -2, float.NaN }), arange(3));
        var error = Assert.Throws<MetricInputException>(() => map.Compute());
        Assert.Equal((2, -2.0), (error.Count, error.First));
    }

    [Fact]
    public void The_curve_is_drawn()
    {
        using var scope = NewDisposeScope();
        using var curve = new RetrievalPrecisionRecallCurve();
        curve.Update(Documents("binary"));
        var chart = Assert.IsType<Charts.LineChart>(curve.Plot());
        Assert.Equal(curve.Compute().Recall, chart.Curves[0].X);
        Assert.NotEmpty(chart.Png());
    }
}
