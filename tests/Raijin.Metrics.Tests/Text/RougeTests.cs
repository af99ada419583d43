using CsCheck;
using System.Text.Json;

namespace Raijin.Metrics.Tests.Text;

public sealed class RougeTests
{
    static readonly JsonElement Recorded = Recording.Open("ngrams");
    static readonly RougeKind[] Kinds = [RougeKind.N(1), RougeKind.N(2), RougeKind.N(3), RougeKind.L, RougeKind.Lsum];

    [Fact]
    public void Summaries_score_as_in_torchmetrics()
    {
        var summaries = Recorded.GetProperty("summaries").Pairs();
        foreach (var recorded in Recorded.GetProperty("rouge").EnumerateArray())
        {
            var stemming = recorded.GetProperty("stem").GetBoolean() ? Stemming.ExtendedPorter : Stemming.None;
            var references = recorded.GetProperty("accumulate").GetString() == "best" ? RougeReferences.Best : RougeReferences.Average;
            using var rouge = new Rouge(Kinds, stemming, references);
            rouge.Update(summaries);
            Recording.Near(recorded.GetProperty("scores").GetProperty("rouge1_f").Number(), rouge.ComputeScalar(), 1e-12);
            foreach (var (name, value) in rouge.ComputeScalars())
                Recording.Near(recorded.GetProperty("scores").GetProperty(name).Number(), value, 1e-12, $"{name}, {stemming}, {references}");
        }
    }

    [Fact]
    public void The_example_of_the_paper_counts_the_union_of_its_lines()
    {
        var score = Texts.Rouge(["w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"], [["w1 w2 w3 w4 w5"]], [RougeKind.Lsum])[RougeKind.Lsum];
        Assert.Equal((0.4, 0.8), (score.Precision, score.Recall));
    }

    [Fact]
    public void The_best_reference_is_chosen_for_each_kind_on_its_own()
    {
        var scores = Texts.Rouge(["a b c d"], [["d c b a", "a b x x"]], [RougeKind.N(1), RougeKind.N(2)]);
        Recording.Near([1, 1.0 / 3], [scores[RougeKind.N(1)].F, scores[RougeKind.N(2)].F], 1e-15);
    }

    [Fact]
    public void Texts_without_words_score_0_and_no_pairs_are_not_a_number()
    {
        using var rouge = new Rouge();
        Assert.All(rouge.Of("", "a").Values, s => Assert.Equal(default, s));
        Assert.All(rouge.Of("a", "…").Values, s => Assert.Equal(default, s));
        Assert.All(rouge.Of(Array.Empty<string>(), Array.Empty<string>()).Values, s => Assert.Equal(double.NaN, s.F));
        Assert.Equal(1, rouge.Of("One", "one")[RougeKind.L].F);
        Assert.Equal(0, rouge.Of("One", "one")[RougeKind.N(2)].F);
    }

    [Fact]
    public void A_normaliser_and_a_tokenizer_of_the_callers_are_used()
    {
        using var japanese = new Rouge([RougeKind.N(1), RougeKind.L, RougeKind.Lsum], normalizer: text => text.Replace("。", "", StringComparison.Ordinal), tokenizer: TextTokenizer.Characters);
        Assert.All(japanese.Of("漢字だ。", "漢字だ").Values, s => Assert.Equal(1, s.F));
        using var plain = new Rouge([RougeKind.N(1)]);
        Assert.Equal(0, plain.Of("漢字だ。", "漢字だ")[RougeKind.N(1)].F);
    }

    [Fact]
    public void Long_words_are_stemmed_and_short_ones_are_not()
    {
        using var rouge = new Rouge([RougeKind.N(1)], Stemming.Porter);
        Assert.Equal(1, rouge.Of("connections", "connected")[RougeKind.N(1)].F);
        Assert.Equal(0, rouge.Of("its", "it")[RougeKind.N(1)].F);
    }

    [Fact]
    public void Kinds_are_named_as_in_rouge_score()
    {
        Assert.Equal(["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"], Kinds.Select(k => k.ToString()));
        Assert.Throws<ArgumentOutOfRangeException>(() => RougeKind.N(0));
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => new Rouge([RougeKind.L, RougeKind.L])).Message);
        Assert.Throws<ArgumentException>(() => new Rouge([]));
    }

    [Fact]
    public void Any_split_merge_and_order_gives_the_same() =>
        Gen.Select(TextCases.Batch, Gen.Int[0, 6]).Sample(
            (batch, cut) => TextCases.ComputesTheSameInPieces(() => new Rouge(Kinds), batch, Math.Min(cut, batch.Predictions.Count), (a, b) =>
            {
                foreach (var kind in Kinds) Recording.Near([a[kind].Precision, a[kind].Recall, a[kind].F], [b[kind].Precision, b[kind].Recall, b[kind].F], 1e-9);
            }),
            iter: 50);
}
