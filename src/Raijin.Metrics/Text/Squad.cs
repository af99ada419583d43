using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How right answers to questions are.</summary>
/// <param name="ExactMatch">Percent of questions whose answer is one of the right ones.</param>
/// <param name="F1">Mean over the questions of the best F1 of the answer's words against a right one's, in percent.</param>
public readonly record struct SquadResult(double ExactMatch, double F1);

/// <summary>The scores of the SQuAD benchmark (Rajpurkar et al. 2016): exact match and F1 of words, in percent, of normalised answers.</summary>
/// <remarks>
/// Normalised: lower case, without ASCII punctuation, without <c>a</c>, <c>an</c> and <c>the</c>, white space as one blank. F1 = 2 · common / (words of both), words
/// counted as often as they stand on both sides; where either side has no word, 1 if neither has, else 0. Of several right answers the best counts. A question
/// that was not answered scores 0. In [0, 100], higher is better; no question gives NaN. The headline is F1. As torchmetrics and the benchmark's own script.
/// </remarks>
public sealed class Squad() : Metric<AnswerComparison, SquadResult>(new AnswerScores())
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override SquadResult Compute(MetricStates states)
    {
        var sums = states[0].Span<double>();
        return new(100 * sums[0] / sums[2], 100 * sums[1] / sums[2]);
    }

    /// <summary>F1, in percent.</summary>
    public override double ComputeScalar() => Compute().F1;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var (exactMatch, f1) = Compute();
        return [new("exact_match", exactMatch), new("f1", f1)];
    }
}

/// <summary>Exact matches, F1 scores and questions, summed.</summary>
sealed partial record AnswerScores : HostAccumulation<AnswerComparison>
{
    public override void Declare(MetricStates states) => states.Add("answers", Reduction.Sum, zeros([3], ScalarType.Float64));

    public override void Check(in AnswerComparison batch) => batch.ThrowIfIncomplete();

    protected override void AddOnHost(MetricStates states, in AnswerComparison batch)
    {
        var sums = states[0].Span<double>();
        var common = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < batch.Answers.Count; i++)
        {
            sums[2]++;
            if (batch.Predictions[i] is not { } prediction) continue;
            var given = Words(prediction);
            var (exact, best) = (0.0, 0.0);
            foreach (var answer in batch.Answers[i])
            {
                var right = Words(answer);
                if (given.AsSpan().SequenceEqual(right)) exact = 1;
                best = Math.Max(best, F1(given, right, common));
            }
            sums[0] += exact;
            sums[1] += best;
        }
    }

    static double F1(string[] given, string[] right, Dictionary<string, int> counts)
    {
        if (given.Length == 0 || right.Length == 0) return given.Length == right.Length ? 1 : 0;
        counts.Clear();
        foreach (var word in right) CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _)++;
        var common = 0;
        foreach (var word in given)
        {
            if (!counts.TryGetValue(word, out var left) || left == 0) continue;
            counts[word] = left - 1;
            common++;
        }
        return 2.0 * common / (given.Length + right.Length);
    }

    static string[] Words(string text) => Articles()
        .Replace(string.Concat(text.ToLowerInvariant().Where(c => !(char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c))))), " ")
        .Split(default(char[]), StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"\b(?:a|an|the)\b")]
    private static partial Regex Articles();
}
