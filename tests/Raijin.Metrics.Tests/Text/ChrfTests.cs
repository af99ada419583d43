using CsCheck;
using System.Text.Json;

namespace Raijin.Metrics.Tests.Text;

public sealed class ChrfTests
{
    static readonly JsonElement Recorded = Recording.Open("ngrams");
    static readonly TextComparison Pairs = new(Recorded.GetProperty("predictions").Strings(), Recorded.GetProperty("references").Lists());
    static readonly TextComparison Short = Recorded.GetProperty("short").Pairs();

    [Fact]
    public void A_corpus_and_its_sentences_score_as_in_torchmetrics_with_every_order_counted()
    {
        foreach (var recorded in Recorded.GetProperty("chrf").EnumerateArray())
        {
            using var chrf = new Chrf(recorded.GetProperty("characters").GetInt32(), recorded.GetProperty("words").GetInt32(), recorded.GetProperty("beta").GetDouble(),
                recorded.GetProperty("lowercase").GetBoolean(), recorded.GetProperty("whitespace").GetBoolean(), effectiveOrder: false);
            Recording.Near(recorded.GetProperty("score").Number(), chrf.Of(Pairs), 1e-12, recorded.ToString());
            Recording.Near(recorded.GetProperty("sentences").Numbers(), chrf.SentenceScores(Pairs), 1e-12, recorded.ToString());
        }
    }

    [Fact]
    public void A_corpus_and_its_sentences_score_by_the_formula_of_sacreBLEU()
    {
        var all = Pairs.Concat(Short);
        foreach (var recorded in Recorded.GetProperty("chrf_effective").EnumerateArray())
        {
            using var chrf = new Chrf(recorded.GetProperty("characters").GetInt32(), recorded.GetProperty("words").GetInt32(), recorded.GetProperty("beta").GetDouble());
            Recording.Near(recorded.GetProperty("score").Number(), chrf.Of(all), 1e-12, recorded.ToString());
            Recording.Near(recorded.GetProperty("sentences").Numbers(), chrf.SentenceScores(all), 1e-12, recorded.ToString());
        }
    }

    [Fact]
    public void The_example_of_sacreBLEU_scores_as_its_manual_says() =>
        Assert.Equal(0.5973, Texts.Chrf(
            ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."],
            [["The dog bit the man.", "The dog had bit the man."], ["It was not unexpected.", "No one was surprised."], ["The man bit him first.", "The man had bitten the dog."]]), 4);

    [Fact]
    public void Sentences_score_as_in_nltk_with_one_reference()
    {
        using var chrf = new Chrf(beta: 3, effectiveOrder: false);
        var all = Pairs.Concat(Short);
        Recording.Near(Recorded.GetProperty("chrf_nltk").Numbers(), chrf.SentenceScores(new(all.Predictions, [.. all.References.Select(r => r[0])])), 1e-12);
    }

    [Fact]
    public void A_surrogate_pair_is_one_character()
    {
        using var chrf = new Chrf(characterOrder: 1);
        Recording.Near(0.5, chrf.Of("\U0001F600a", "\U0001F601a"), 1e-15);
    }

    [Fact]
    public void Texts_without_anything_in_common_empty_texts_and_no_pairs_score_0()
    {
        foreach (var effective in new[] { true, false })
        {
            using var chrf = new Chrf(wordOrder: 2, effectiveOrder: effective);
            Assert.Equal(0, chrf.Of("abc", "xyz"));
            Assert.Equal(0, chrf.Of("", "abc"));
            Assert.Equal(0, chrf.Of("abc", ""));
            Assert.Equal(0, chrf.Of(" \t", ""));
            Assert.Equal(0, chrf.Of(Array.Empty<string>(), Array.Empty<string>()));
        }
    }

    [Fact]
    public void Equal_texts_score_1_however_short_unless_every_order_counts()
    {
        using var effective = new Chrf(wordOrder: 2);
        using var every = new Chrf(wordOrder: 2, effectiveOrder: false);
        Recording.Near(1, effective.Of("ab", "ab"), 1e-15);
        Recording.Near(3.0 / 8, every.Of("ab", "ab"), 1e-15);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Chrf(characterOrder: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Chrf(wordOrder: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Chrf(beta: double.NaN));
    }

    [Fact]
    public void Any_split_merge_and_order_gives_the_same_bits() =>
        Gen.Select(TextCases.Batch, Gen.Int[0, 6]).Sample(
            (batch, cut) => TextCases.ComputesTheSameInPieces(() => new Chrf(wordOrder: 2), batch, Math.Min(cut, batch.Predictions.Count), Assert.Equal),
            iter: 50);
}
