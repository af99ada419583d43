using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Metrics of text as plain functions of predictions and references. Each is its metric's result on one batch.</summary>
public static partial class Texts
{
    /// <inheritdoc cref="Raijin.Bleu"/>
    /// <param name="predictions">One text a sample.</param>
    /// <param name="references">At least one text a sample.</param>
    /// <param name="order">The largest n; at least 1.</param>
    /// <param name="smoothing">What to do about orders without a match; null: nothing, the score is 0.</param>
    /// <param name="weights">One for each n; null: 1 / order each.</param>
    /// <param name="tokenizer">How texts become words; null: <see cref="TextTokenizer.Whitespace"/>.</param>
    /// <param name="lowercase">Texts are compared in lower case.</param>
    public static BleuScore Bleu(IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references, int order = 4, BleuSmoothing? smoothing = null, IReadOnlyList<double>? weights = null, TextTokenizer? tokenizer = null, bool lowercase = false) =>
        Once(new Bleu(order, smoothing, weights, tokenizer, lowercase), new(predictions, references));

    /// <inheritdoc cref="Raijin.Bleu.Sacre"/>
    /// <param name="predictions">One text a sample.</param>
    /// <param name="references">At least one text a sample.</param>
    /// <param name="tokenizer">How texts become words; null: <see cref="TextTokenizer.Mteval13a"/>.</param>
    /// <param name="lowercase">Texts are compared in lower case.</param>
    public static BleuScore SacreBleu(IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references, TextTokenizer? tokenizer = null, bool lowercase = false) =>
        Once(Raijin.Bleu.Sacre(tokenizer, lowercase), new(predictions, references));

    /// <inheritdoc cref="Raijin.Chrf"/>
    /// <param name="predictions">One text a sample.</param>
    /// <param name="references">At least one text a sample.</param>
    /// <param name="characterOrder">The longest n-gram of characters; at least 1.</param>
    /// <param name="wordOrder">The longest n-gram of words; 2 is chrF++, 0 none.</param>
    /// <param name="beta">How many times as important recall is as precision.</param>
    /// <param name="lowercase">Texts are compared in lower case.</param>
    /// <param name="whitespace">White space counts as characters instead of being removed.</param>
    public static double Chrf(IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references, int characterOrder = 6, int wordOrder = 0, double beta = 2, bool lowercase = false, bool whitespace = false) =>
        Once(new Chrf(characterOrder, wordOrder, beta, lowercase, whitespace), new(predictions, references));

    /// <inheritdoc cref="Raijin.Rouge"/>
    /// <param name="predictions">One text a sample.</param>
    /// <param name="references">At least one text a sample.</param>
    /// <param name="kinds">What is counted; null for ROUGE-1, -2, -L and -Lsum.</param>
    /// <param name="stemming">What words are reduced to.</param>
    /// <param name="accumulate">How several references become one score.</param>
    public static IReadOnlyDictionary<RougeKind, RougeScore> Rouge(IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references, IReadOnlyList<RougeKind>? kinds = null, Stemming stemming = Stemming.None, RougeReferences accumulate = RougeReferences.Best) =>
        Once(new Rouge(kinds, stemming, accumulate), new(predictions, references));

    /// <inheritdoc cref="Raijin.Perplexity"/>
    /// <param name="logits">[B, T, V], floating; borrowed.</param>
    /// <param name="targets">[B, T], integer; borrowed.</param>
    /// <param name="ignoreIndex">Tokens with this target are left out.</param>
    public static double Perplexity(Tensor logits, Tensor targets, long? ignoreIndex = null) => Once(new Perplexity(ignoreIndex), new(logits, targets));

    static TResult Once<TBatch, TResult>(Metric<TBatch, TResult> metric, in TBatch batch)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        using (metric) return metric.Of(in batch);
    }
}
