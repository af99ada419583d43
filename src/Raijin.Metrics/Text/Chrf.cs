// M = character orders + word orders. One state: [h₁ … h_M, r₁ … r_M, m₁ … m_M]: n-grams of the predictions, of the best references, matched;
// character orders first.

using System.Runtime.InteropServices;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>chrF (Popović 2015) over a corpus: F_β of character n-grams; with word n-grams too, chrF++ (Popović 2017): <c>new Chrf(wordOrder: 2)</c>.</summary>
/// <remarks>
/// <para>
/// In [0, 1], higher is better; sacreBLEU prints a hundred times as much. N-grams are summed over all pairs, each with the reference it scores best
/// against, the first of equals. A character is a code point. 0 for no pairs, and where nothing matches, two empty texts included.
/// </para>
/// <para>
/// By default orders are combined as sacreBLEU does: precision and recall are averaged over the orders that both sides have, and F is taken of the
/// averages. With <c>effectiveOrder: false</c>, as chrF++.py and torchmetrics: the mean over all orders of each one's F. Differences from
/// torchmetrics: all white space is removed, not the ends' and blanks only; a reference counts even where it scores 0.
/// </para>
/// </remarks>
public sealed class Chrf : ScalarMetric<TextComparison>
{
    readonly ChrfCounts _counts;

    /// <summary>chrF with β = 2 and characters up to order 6, unless told otherwise.</summary>
    /// <param name="characterOrder">The longest n-gram of characters; at least 1.</param>
    /// <param name="wordOrder">The longest n-gram of words, a punctuation mark at a word's end or start being a word of its own; 2 is chrF++, 0 none.</param>
    /// <param name="beta">How many times as important recall is as precision; not negative.</param>
    /// <param name="lowercase">Texts are compared in lower case.</param>
    /// <param name="whitespace">White space counts as characters instead of being removed.</param>
    /// <param name="effectiveOrder">How orders are combined, see the remarks.</param>
    public Chrf(int characterOrder = 6, int wordOrder = 0, double beta = 2, bool lowercase = false, bool whitespace = false, bool effectiveOrder = true)
        : base(new ChrfCounts(Positive(characterOrder), NotNegative(wordOrder), NotNegative(beta), lowercase, whitespace, effectiveOrder)) =>
        _counts = (ChrfCounts)Accumulation;

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
            scores[i] = _counts.Score(counts);
        }
        return scores;
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => _counts.Score(states[0].ToArray<double>());

    static int Positive(int characterOrder)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(characterOrder);
        return characterOrder;
    }

    static int NotNegative(int wordOrder)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(wordOrder);
        return wordOrder;
    }

    static double NotNegative(double beta)
    {
        if (beta < 0 || !double.IsFinite(beta)) throw new ArgumentOutOfRangeException(nameof(beta), beta, "β is a number that is not negative.");
        return beta;
    }
}

/// <summary>N-grams of characters and words, and how many match. β and the way orders are combined choose between references.</summary>
sealed record ChrfCounts(int CharacterOrder, int WordOrder, double Beta, bool Lowercase, bool Whitespace, bool EffectiveOrder) : HostAccumulation<TextComparison>
{
    /// <summary>How many orders there are.</summary>
    public int Orders => CharacterOrder + WordOrder;

    /// <summary>How many numbers are counted.</summary>
    public int Length => 3 * Orders;

    public override void Declare(MetricStates states) => states.Add("counts", Reduction.Sum, zeros([Length], ScalarType.Float64));

    public override void Check(in TextComparison batch) => batch.ThrowIfIncomplete();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var counts = states[0].Span<double>();
        var workspace = TextWorkspace.OfThread;
        for (var i = 0; i < batch.Predictions.Count; i++) Count(in batch, i, workspace, counts);
    }

    /// <summary>Adds a pair's numbers: those with its best reference.</summary>
    public void Count(in TextComparison batch, int sample, TextWorkspace workspace, Span<double> counts)
    {
        var (characters, words) = ReadPrediction(batch.Predictions[sample], workspace);
        var references = batch.NumReferences(sample);
        CollectionsMarshal.SetCount(workspace.Trial, Length);
        CollectionsMarshal.SetCount(workspace.Best, Length);
        var trial = CollectionsMarshal.AsSpan(workspace.Trial);
        var best = CollectionsMarshal.AsSpan(workspace.Best);
        var bestScore = double.NegativeInfinity;
        for (var j = 0; j < references; j++)
        {
            trial.Clear();
            Compare(batch.Reference(sample, j), characters, words, workspace, trial);
            var score = references == 1 ? 0 : Score(trial);
            if (score <= bestScore) continue;
            bestScore = score;
            trial.CopyTo(best);
        }
        for (var i = 0; i < best.Length; i++) counts[i] += best[i];
    }

    /// <summary>chrF of these numbers.</summary>
    public double Score(ReadOnlySpan<double> counts)
    {
        var (precisions, recalls, scores, orders) = (0.0, 0.0, 0.0, 0);
        for (var i = 0; i < Orders; i++)
        {
            var (predicted, expected, matched) = (counts[i], counts[Orders + i], counts[2 * Orders + i]);
            if (predicted == 0 || expected == 0) continue;
            precisions += matched / predicted;
            recalls += matched / expected;
            scores += FScore(matched / predicted, matched / expected);
            orders++;
        }
        if (!EffectiveOrder) return scores / Orders;
        return orders == 0 ? 0 : FScore(precisions / orders, recalls / orders);
    }

    double FScore(double precision, double recall) => precision + recall == 0 ? 0 : (1 + Beta * Beta) * precision * recall / (Beta * Beta * precision + recall);

    (int Characters, int Words) ReadPrediction(string text, TextWorkspace workspace)
    {
        var cased = workspace.Cased(text, Lowercase);
        CodePoints.Read(cased, Whitespace, workspace.Characters);
        workspace.CharacterGrams.Learn(workspace.Characters, CharacterOrder);
        if (WordOrder == 0) return (workspace.Characters.Count, 0);
        workspace.Words.BeginPrediction();
        Split(cased, workspace.Words);
        workspace.WordGrams.Learn(workspace.Words.Prediction, WordOrder);
        return (workspace.Characters.Count, workspace.Words.Prediction.Count);
    }

    void Compare(string reference, int characters, int words, TextWorkspace workspace, Span<double> numbers)
    {
        var predicted = numbers[..Orders];
        var expected = numbers.Slice(Orders, Orders);
        var matched = numbers[(2 * Orders)..];
        var cased = workspace.Cased(reference, Lowercase);
        CodePoints.Read(cased, Whitespace, workspace.Characters);
        workspace.CharacterGrams.Forget();
        workspace.CharacterGrams.Match(workspace.Characters, matched);
        Total(characters, workspace.Characters.Count, predicted[..CharacterOrder], expected[..CharacterOrder]);
        if (WordOrder == 0) return;
        workspace.Words.BeginReference();
        Split(cased, workspace.Words);
        workspace.WordGrams.Forget();
        workspace.WordGrams.Match(workspace.Words.Reference, matched[CharacterOrder..]);
        Total(words, workspace.Words.Reference.Count, predicted[CharacterOrder..], expected[CharacterOrder..]);
    }

    // sacreBLEU leaves a prediction's n-grams out where the reference has none of that order; chrF++.py counts them.
    void Total(int predictedTokens, int expectedTokens, Span<double> predicted, Span<double> expected)
    {
        for (var n = 1; n <= predicted.Length; n++)
        {
            expected[n - 1] = Math.Max(0, expectedTokens - n + 1);
            predicted[n - 1] = EffectiveOrder && expected[n - 1] == 0 ? 0 : Math.Max(0, predictedTokens - n + 1);
        }
    }

    // Words between white space; of one that ends in a punctuation mark the mark stands alone, else of one that starts with one.
    static void Split(ReadOnlySpan<char> text, WordSink words)
    {
        for (var at = 0; at < text.Length; at++)
        {
            if (CodePoints.IsSpace(text[at])) continue;
            var start = at;
            while (at + 1 < text.Length && !CodePoints.IsSpace(text[at + 1])) at++;
            var word = text[start..(at + 1)];
            var cut = word.Length == 1 ? 0 : IsPunctuation(word[^1]) ? word.Length - 1 : IsPunctuation(word[0]) ? 1 : 0;
            if (cut > 0) words.Add(word[..cut]);
            words.Add(word[cut..]);
        }
    }

    static bool IsPunctuation(char c) => c is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~');
}
