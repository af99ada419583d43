using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Text;

public sealed class TextComparisonTests
{
    [Fact]
    public void One_reference_each_and_lists_of_one_are_the_same()
    {
        using var single = new Bleu();
        using var lists = new Bleu();
        single.Update(["a b c d e", "f g h i"], ["a b c d f", "f g h i"]);
        lists.Update(["a b c d e", "f g h i"], [["a b c d f"], ["f g h i"]]);
        Assert.Equal(lists.Compute().Score, single.Compute().Score);
        Assert.Equal(single.Compute().Score, single.Of(["a b c d e", "f g h i"], ["a b c d f", "f g h i"]).Score);
    }

    [Fact]
    public void Some_samples_are_chosen_in_the_order_asked_for_with_all_their_references()
    {
        using var indices = tensor(new long[] { 2, 0, 2 });
        var lists = new TextComparison(["a", "b", "c"], [["x"], ["y"], ["z", "w"]]).Select(indices);
        Assert.Equal(["c", "a", "c"], lists.Predictions);
        Assert.Equal([["z", "w"], ["x"], ["z", "w"]], lists.References);
        var single = new TextComparison(["a", "b", "c"], ["x", "y", "z"]).Select(indices);
        Assert.Equal(["c", "a", "c"], single.Predictions);
        Assert.Equal([["z"], ["x"], ["z"]], single.References);
        Assert.Equal(3, single.Count);
    }

    [Fact]
    public void A_prediction_without_references_is_named_and_nothing_is_counted()
    {
        using var metric = new Chrf();
        var error = Assert.Throws<ShapeMismatchException>(() => metric.Update(["a", "b"], [["a"], []]));
        Assert.Equal("references: expected at least one a prediction, but it is none for prediction 1 of 2.", error.Message);
        Assert.Equal(0, metric.Updates);
    }

    [Fact]
    public void Lists_of_other_lengths_and_null_texts_are_refused()
    {
        using var metric = new Rouge();
        Assert.Equal("references: expected those of 2 predictions, but it is of 1.", Assert.Throws<ShapeMismatchException>(() => metric.Update(["a", "b"], ["a"])).Message);
        Assert.Contains("Prediction 1 is null", Assert.Throws<ArgumentException>(() => metric.Update(["a", null!], ["a", "b"])).Message);
        Assert.Contains("Reference 1 of prediction 0 is null", Assert.Throws<ArgumentException>(() => metric.Update("a", "a", null!)).Message);
    }

    [Fact]
    public void Metrics_that_count_the_same_share_their_counts_in_a_collection()
    {
        using var metrics = new MetricCollection<TextComparison>
        {
            { "bleu", new Bleu(tokenizer: TextTokenizer.Mteval13a) },
            { "sacre", Bleu.Sacre() },
            { "weighted", new Bleu(weights: [1, 0, 0, 0], tokenizer: TextTokenizer.Mteval13a) },
            { "lower", Bleu.Sacre(lowercase: true) },
            { "chrf", new Chrf() },
            { "chrf again", new Chrf() },
            { "rouge", new Rouge([RougeKind.L]) },
            { "rouge again", new Rouge([RougeKind.L]) },
        };
        Assert.Equal(4, metrics.NumAccumulations);
        metrics.Update(["A dog, a cat."], ["A dog and a cat."]);
        var results = metrics.Compute();
        Assert.Equal(5.0 / 6, results["weighted/precision1"]);
        Assert.Equal(results["chrf"], results["chrf again"]);
        Assert.Equal(results["rouge/rougeL_f"], results["rouge again/rougeL_f"]);
    }

    [Fact]
    public void Updates_allocate_nothing_once_their_buffers_have_grown()
    {
        var recorded = Recording.Open("ngrams");
        var batch = new TextComparison(recorded.GetProperty("predictions").Strings(), recorded.GetProperty("references").Lists());
        Metric<TextComparison, BleuScore>[] bleus = [new Bleu(), Bleu.Sacre(lowercase: true), new Bleu(tokenizer: TextTokenizer.International), new Bleu(tokenizer: TextTokenizer.Chinese)];
        foreach (var metric in bleus) AllocatesNothing(metric);
        AllocatesNothing(new Chrf(wordOrder: 2));
        AllocatesNothing(new Rouge([RougeKind.N(2), RougeKind.L], Stemming.ExtendedPorter));
        AllocatesNothing(new Rouge([RougeKind.Lsum]));

        void AllocatesNothing<TResult>(Metric<TextComparison, TResult> metric)
        {
            using (metric)
            {
                metric.Update(batch);
                metric.Update(batch);
                var before = GC.GetAllocatedBytesForCurrentThread();
                metric.Update(batch);
                Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            }
        }
    }
}
