// N the largest order. One state: [m₁ … m_N, t₁ … t_N, c, r], with m matched and t all n-grams of the predictions, c words of the
// predictions, r words of the references closest to them in length.

using System.Globalization;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>BLEU of predictions against their references, and what it is made of.</summary>
/// <param name="Score">In [0, 1]: brevity penalty × weighted geometric mean of the precisions.</param>
/// <param name="Precisions">For n = 1, 2, …: n-grams of the predictions that their references have too, over all of them; smoothed.</param>
/// <param name="BrevityPenalty">1 where the predictions are the longer, else exp(1 - r / c); 0 for empty predictions.</param>
/// <param name="PredictionWords">c: words of the predictions.</param>
/// <param name="ReferenceWords">r: words of each prediction's reference of the closest length, the shorter of two.</param>
public sealed record BleuScore(double Score, IReadOnlyList<double> Precisions, double BrevityPenalty, long PredictionWords, long ReferenceWords);

/// <summary>
/// BLEU (Papineni et al. 2002) over a corpus: BP·exp(Σ wₙ·ln pₙ), with n-gram matches, n-grams and lengths summed over all pairs before they are divided.
/// <see cref="Metric{TBatch, TResult}.Of"/> one pair is sentence BLEU, best with a smoothing.
/// </summary>
/// <remarks>
/// In [0, 1], higher is better; sacreBLEU prints a hundred times as much. 0 for empty predictions, for no pairs, and where no word matches.
/// Differences: torchmetrics takes the first of two references that are equally close in length, this one the shorter, as mteval and nltk; over a
/// corpus nltk counts one n-gram for each prediction too short to have one, this one doesn't.
/// </remarks>
public sealed class Bleu : Metric<TextComparison, BleuScore>
{
    readonly BleuCounts _counts;
    readonly BleuSmoothing _smoothing;
    readonly double[] _weights;
    readonly bool _effectiveOrder;

    /// <summary>BLEU-4 of words that white space separates, unless told otherwise.</summary>
    /// <param name="order">The largest n; at least 1.</param>
    /// <param name="smoothing">What to do about orders without a match; null: nothing, the score is 0.</param>
    /// <param name="weights">One for each n, not negative; null: 1 / order each.</param>
    /// <param name="tokenizer">How texts become words; null: <see cref="TextTokenizer.Whitespace"/>.</param>
    /// <param name="lowercase">Texts are compared in lower case.</param>
    /// <param name="effectiveOrder">Orders longer than every prediction are left out, the weights of the others scaled up (sacreBLEU's <c>effective_order</c>, nltk's <c>auto_reweigh</c>).</param>
    public Bleu(int order = 4, BleuSmoothing? smoothing = null, IReadOnlyList<double>? weights = null, TextTokenizer? tokenizer = null, bool lowercase = false, bool effectiveOrder = false)
        : base(new BleuCounts(Checked(order, weights) + (smoothing?.ExtraOrders ?? 0), tokenizer ?? TextTokenizer.Whitespace, lowercase))
    {
        _counts = (BleuCounts)Accumulation;
        _smoothing = smoothing ?? BleuSmoothing.None;
        _weights = [.. weights ?? Enumerable.Repeat(1.0 / order, order)];
        _effectiveOrder = effectiveOrder;
    }

    /// <summary>BLEU as the sacreBLEU program reports it (Post 2018), but for its factor 100: 13a tokens, geometric smoothing.</summary>
    /// <param name="tokenizer">How texts become words; null: <see cref="TextTokenizer.Mteval13a"/>.</param>
    /// <param name="lowercase">Texts are compared in lower case.</param>
    public static Bleu Sacre(TextTokenizer? tokenizer = null, bool lowercase = false) =>
        new(smoothing: BleuSmoothing.Geometric, tokenizer: tokenizer ?? TextTokenizer.Mteval13a, lowercase: lowercase);

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The score of each pair of a batch on its own; what the metric has accumulated is neither used nor changed.</summary>
    public IReadOnlyList<double> SentenceScores(in TextComparison batch)
    {
        _counts.Check(in batch);
        var scores = new double[batch.Predictions.Count];
        var counts = new double[_counts.Length];
        for (var i = 0; i < scores.Length; i++)
        {
            counts.AsSpan().Clear();
            _counts.Count(in batch, i, TextWorkspace.OfThread, counts);
            scores[i] = Score(counts).Score;
        }
        return scores;
    }

    /// <inheritdoc/>
    protected override BleuScore Compute(MetricStates states) => Score(states[0].ToArray<double>());

    /// <summary>The score.</summary>
    public override double ComputeScalar() => Compute().Score;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var score = Compute();
        return
        [
            new("score", score.Score),
            .. score.Precisions.Select((p, i) => KeyValuePair.Create(string.Create(CultureInfo.InvariantCulture, $"precision{i + 1}"), p)),
            new("brevity_penalty", score.BrevityPenalty),
            new("prediction_words", score.PredictionWords),
            new("reference_words", score.ReferenceWords),
        ];
    }

    static int Checked(int order, IReadOnlyList<double>? weights)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(order);
        if (weights is not null && weights.Count != order)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"There are {weights.Count} weights for {order} orders of n-grams: give one each."), nameof(weights));
        foreach (var weight in weights ?? [])
            if (weight < 0 || !double.IsFinite(weight)) throw new ArgumentOutOfRangeException(nameof(weights), weight, "A weight is a number that is not negative.");
        return order;
    }

    BleuScore Score(ReadOnlySpan<double> counts)
    {
        var matches = counts[.._counts.Order];
        var totals = counts.Slice(_counts.Order, _counts.Order);
        var (words, referenceWords) = (counts[^2], counts[^1]);
        var precisions = new double[_weights.Length];
        _smoothing.Apply(matches, totals, words, precisions);
        var penalty = words > referenceWords ? 1 : words == 0 ? 0 : Math.Exp(1 - referenceWords / words);
        var (logarithm, weight) = (0.0, 0.0);
        for (var i = 0; i < precisions.Length; i++)
        {
            if (_weights[i] == 0 || (_effectiveOrder && totals[i] == 0)) continue;
            logarithm += _weights[i] * Math.Log(precisions[i]);
            weight += _weights[i];
        }
        if (_effectiveOrder && weight > 0) logarithm *= _weights.Sum() / weight;
        var score = matches[0] == 0 ? 0 : penalty * Math.Exp(logarithm);
        return new(score, precisions, penalty, (long)words, (long)referenceWords);
    }
}

/// <summary>Matched and all n-grams of words, and lengths.</summary>
sealed record BleuCounts(int Order, TextTokenizer Tokenizer, bool Lowercase) : HostAccumulation<TextComparison>
{
    /// <summary>How many numbers are counted.</summary>
    public int Length => 2 * Order + 2;

    public override void Declare(MetricStates states) => states.Add("counts", Reduction.Sum, zeros([Length], ScalarType.Float64));

    public override void Check(in TextComparison batch) => batch.ThrowIfIncomplete();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var counts = states[0].Span<double>();
        var workspace = TextWorkspace.OfThread;
        for (var i = 0; i < batch.Predictions.Count; i++) Count(in batch, i, workspace, counts);
    }

    /// <summary>Adds a pair's numbers.</summary>
    public void Count(in TextComparison batch, int sample, TextWorkspace workspace, Span<double> counts)
    {
        workspace.ReadPrediction(batch.Predictions[sample], Tokenizer, Lowercase);
        var words = workspace.Words.Prediction.Count;
        workspace.WordGrams.Learn(workspace.Words.Prediction, Order);
        var closest = int.MaxValue;
        for (var j = 0; j < batch.NumReferences(sample); j++)
        {
            workspace.ReadReference(batch.Reference(sample, j), Tokenizer, Lowercase);
            var length = workspace.Words.Reference.Count;
            if (j == 0 || (Math.Abs(length - words), length).CompareTo((Math.Abs(closest - words), closest)) < 0) closest = length;
            workspace.WordGrams.Match(workspace.Words.Reference, counts[..Order]);
        }
        for (var n = 1; n <= Order; n++) counts[Order + n - 1] += Math.Max(0, words - n + 1);
        counts[^2] += words;
        counts[^1] += closest;
    }
}
