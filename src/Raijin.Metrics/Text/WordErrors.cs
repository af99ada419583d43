// The word-level rates of speech recognition, all from one alignment of words. H hits, S substitutions, D deletions, I insertions,
// N = H + S + D words in the references, P = H + S + I words in the predictions, E = S + D + I the fewest errors; of the alignments with E
// errors the one with most hits counts. Source: Morris, Maier and Green 2004, "From WER and RIL to MER and WIL".

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Word error rate: E / N, the fewest word insertions, deletions and substitutions that turn the predictions into the references, over the references' words.</summary>
/// <remarks>
/// One reference a prediction; words are what white space separates, compared as they are (lower-case them before if case is not to count).
/// In [0, ∞), lower is better. References without a word give NaN if the predictions have none either, else infinity. As in torchmetrics.
/// </remarks>
public sealed class WordErrorRate() : ScalarMetric<TextComparison>(new WordErrors())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var counts = WordCounts.Of(states);
        return counts.Errors / counts.ReferenceWords;
    }
}

/// <summary>Match error rate: E / (H + E), the share of the alignment's positions that are errors.</summary>
/// <remarks>
/// Texts as for <see cref="WordErrorRate"/>. In [0, 1], lower is better; NaN where neither side has a word. The definition of Morris et al. 2004;
/// torchmetrics divides by the longer text's words instead, which is more than this where a sentence has insertions and deletions both.
/// </remarks>
public sealed class MatchErrorRate() : ScalarMetric<TextComparison>(new WordErrors())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var counts = WordCounts.Of(states);
        return counts.Errors / (counts.Hits + counts.Errors);
    }
}

/// <summary>Word information preserved: (H / N) · (H / P), the share of the references' words that are hit times that of the predictions'.</summary>
/// <remarks>
/// Texts as for <see cref="WordErrorRate"/>. In [0, 1], higher is better; 0 where one side only has words, NaN where neither has. The definition of
/// Morris et al. 2004; torchmetrics takes the longer text's words less the errors for the hits, which is less than H where a sentence has insertions
/// and deletions both, and NaN where one side only has words.
/// </remarks>
public sealed class WordInfoPreserved() : ScalarMetric<TextComparison>(new WordErrors())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => WordCounts.Of(states).Preserved;
}

/// <summary>Word information lost: 1 - (H / N) · (H / P).</summary>
/// <remarks>As <see cref="WordInfoPreserved"/>, of which it is the rest: in [0, 1], lower is better; 1 where one side only has words, NaN where neither has.</remarks>
public sealed class WordInfoLost() : ScalarMetric<TextComparison>(new WordErrors())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => 1 - WordCounts.Of(states).Preserved;
}

/// <summary>What the word-level rates are made of.</summary>
readonly record struct WordCounts(double Errors, double Hits, double PredictionWords, double ReferenceWords)
{
    public double Preserved => PredictionWords + ReferenceWords == 0 ? double.NaN : Hits == 0 ? 0 : Hits / ReferenceWords * (Hits / PredictionWords);

    public static WordCounts Of(MetricStates states)
    {
        var counts = states[0].Span<double>();
        return new(counts[0], counts[1], counts[2], counts[3]);
    }
}

/// <summary>Errors, hits and words of both sides, summed over the samples.</summary>
sealed record WordErrors : HostAccumulation<TextComparison>
{
    public override void Declare(MetricStates states) => states.Add("words", Reduction.Sum, zeros([4], ScalarType.Float64));

    public override void Check(in TextComparison batch) => batch.ThrowIfNotPairs();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var counts = states[0].Span<double>();
        var (table, levenshtein) = (new SymbolTable(), new Levenshtein());
        var (predicted, expected) = (new List<int>(), new List<int>());
        for (var i = 0; i < batch.Count; i++)
        {
            var prediction = table.Words(batch.Predictions[i], predicted);
            var reference = table.Words(batch.Reference(i, 0), expected);
            var (errors, substitutions) = levenshtein.Align(prediction, reference);
            // N + P = 2H + 2S + D + I = 2H + S + E.
            counts[0] += errors;
            counts[1] += (prediction.Length + reference.Length - errors - substitutions) / 2;
            counts[2] += prediction.Length;
            counts[3] += reference.Length;
        }
    }
}

static class TextPairs
{
    /// <summary>Refuses a batch that hasn't exactly one reference a prediction.</summary>
    public static void ThrowIfNotPairs(this in TextComparison batch)
    {
        batch.ThrowIfIncomplete();
        for (var i = 0; i < batch.Count; i++)
            if (batch.NumReferences(i) is var references and not 1)
                ShapeMismatchException.Throw("references", "one a prediction", FormattableString.Invariant($"{references} for prediction {i}"));
    }
}
