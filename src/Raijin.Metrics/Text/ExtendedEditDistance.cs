// Edits of characters with long jumps: from a blank of the reference the alignment may jump to any place of the prediction. The table goes over
// the reference (rows) and the prediction (columns) as CDER's does; places that are visited often, or never, cost extra (coverage).
// Source: Stanchev, Wang and Ney 2019, "EED: Extended Edit Distance Measure for Machine Translation". H · R cells, 2 rows of memory.

using System.Text.RegularExpressions;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The languages whose texts <see cref="ExtendedEditDistance"/> knows how to prepare.</summary>
public enum EditLanguage
{
    /// <summary>English: punctuation stands apart, but not in numbers and known abbreviations; a blank before and after the text.</summary>
    English,

    /// <summary>Japanese: characters that differ in width only are the same, as Unicode's NFKC makes them; its spelling out of signs such as ㍍ and ① is not done.</summary>
    Japanese,
}

/// <summary>Extended edit distance (EED, Stanchev et al. 2019): edits of characters and jumps between them, over the reference's length; the mean of all samples.</summary>
/// <remarks>
/// Of several references the nearest counts. Characters are code points. In [0, 1], lower is better; two empty texts give what
/// the formula does, not 0 (in Japanese 1); no sample gives NaN (torchmetrics: 0). English texts are prepared exactly as
/// the authors' tool does.
/// </remarks>
/// <param name="language">How texts are prepared.</param>
/// <param name="alpha">What a jump costs.</param>
/// <param name="rho">What visiting a character of the prediction again, or never, costs.</param>
/// <param name="deletion">What leaving out a character of the prediction costs.</param>
/// <param name="insertion">What a character of the reference that the prediction lacks costs.</param>
/// <param name="keepSamples">Whether <see cref="PerSample"/> is wanted: costs 8 bytes a sample.</param>
public sealed class ExtendedEditDistance(EditLanguage language = EditLanguage.English, double alpha = 2.0, double rho = 0.3, double deletion = 0.2, double insertion = 1.0, bool keepSamples = false)
    : ScalarMetric<TextComparison>(new ExtendedEdits(language, Cost(alpha, nameof(alpha)), Cost(rho, nameof(rho)), Cost(deletion, nameof(deletion)), Cost(insertion, nameof(insertion)), keepSamples))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>Each sample's distance, in the order they came.</summary>
    /// <exception cref="InvalidOperationException">The metric was made without keeping them, or nothing was accumulated yet.</exception>
    public IReadOnlyList<double> PerSample()
    {
        ThrowIfEmpty();
        return KeptSamples.Of(States, GetType());
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => states[0].Span<double>()[0] / states[0].Span<double>()[1];

    static double Cost(double cost, string name) => double.IsFinite(cost) && cost >= 0 ? cost : throw new ArgumentOutOfRangeException(name, cost, "A cost is a finite number, not negative.");
}

/// <summary>Distances and samples, summed; and each sample's distance where asked for.</summary>
sealed partial record ExtendedEdits(EditLanguage Language, double Alpha, double Rho, double Deletion, double Insertion, bool KeepsSamples) : HostAccumulation<TextComparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("distances", Reduction.Sum, zeros([2], ScalarType.Float64));
        if (KeepsSamples) KeptSamples.Declare(states);
    }

    public override void Check(in TextComparison batch) => batch.ThrowIfIncomplete();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var sums = states[0].Span<double>();
        var samples = KeepsSamples ? new double[batch.Count] : [];
        for (var i = 0; i < batch.Count; i++)
        {
            var prediction = Characters(batch.Predictions[i]);
            var nearest = double.PositiveInfinity;
            for (var j = 0; j < batch.NumReferences(i); j++) nearest = Math.Min(nearest, Distance(prediction, Characters(batch.Reference(i, j))));
            sums[0] += nearest;
            sums[1]++;
            if (KeepsSamples) samples[i] = nearest;
        }
        if (KeepsSamples) states[1].Append<double>(samples);
    }

    int[] Characters(string text)
    {
        var characters = new List<int>();
        CodePoints.Read(Language == EditLanguage.English ? PrepareEnglish(text) : JapaneseWidths.Unify(text.TrimEnd()), whitespace: true, characters);
        return [.. characters];
    }

    double Distance(ReadOnlySpan<int> prediction, ReadOnlySpan<int> reference)
    {
        var (row, next) = (new double[prediction.Length + 1], new double[prediction.Length + 1]);
        var visits = new int[prediction.Length + 1];
        row.AsSpan(1).Fill(1);
        foreach (var character in reference)
        {
            var left = row[0] + 1;
            var (lowest, lowestCost) = (0, left);
            next[0] = left;
            for (var i = 1; i < next.Length; i++)
            {
                left = double.MinNative(double.MinNative(left + Deletion, row[i] + Insertion), row[i - 1] + (prediction[i - 1] == character ? 0 : 1));
                next[i] = left;
                if (left < lowestCost) (lowest, lowestCost) = (i, left);
            }
            visits[lowest]++;
            if (character == ' ')
            {
                var jump = Alpha + lowestCost;
                for (var i = 0; i < next.Length; i++) next[i] = double.MinNative(next[i], jump);
            }
            (row, next) = (next, row);
        }
        var coverage = Rho * visits.Sum(v => v == 0 ? 1 : v - 1);
        return Math.Min(1, (row[^1] + coverage) / (reference.Length + coverage));
    }

    // The rules of the authors' tool, one after the other. Its rule for titles means to join "Mr ." but joins any character that follows.
    static string PrepareEnglish(string text)
    {
        text = text.TrimEnd();
        foreach (var sign in ".!?,") text = text.Replace($"{sign}", $" {sign}", StringComparison.Ordinal);
        text = Blanks().Replace(text, " ");
        text = Numbers().Replace(text, "$1$2$3");
        text = Titles().Replace(text, "$1.");
        text = text.Replace("e . g .", "e.g.", StringComparison.Ordinal).Replace("i . e .", "i.e.", StringComparison.Ordinal).Replace("U . S .", "U.S.", StringComparison.Ordinal);
        return $" {text} ";
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"(\d) ([.,]) (\d)")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"(Dr|Jr|Prof|Rev|Gen|Mr|Mt|Mrs|Ms) (?:[\ud800-\udbff][\udc00-\udfff]|.)")]
    private static partial Regex Titles();
}
