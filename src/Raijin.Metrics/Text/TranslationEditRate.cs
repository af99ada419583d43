using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Translation edit rate (Snover et al. 2006): word insertions, deletions, substitutions and shifts of runs of words, over the references' words.</summary>
/// <remarks>
/// Of several references the one with the fewest edits counts, against the mean length of all. Over many samples Σ edits / Σ lengths. In [0, ∞), lower is
/// better; without a reference word 1 where there are edits, else 0. The numbers are sacreBLEU's (there in percent), with its tokenizer, its beam and
/// tercom's limits on shifts: runs of up to 10 words, at most 50 words on, 1,000 candidates a pair. torchmetrics shifts the reference's words instead of
/// the prediction's, runs of up to 9, which gives other numbers for some sentences, and calls an empty prediction free of edits; here it lacks every word.
/// </remarks>
/// <param name="normalize">Whether signs, points, commas and dashes become words of their own, and <c>&amp;amp;</c> and its like what they stand for.</param>
/// <param name="noPunctuation">Whether punctuation is removed.</param>
/// <param name="lowercase">Whether case is ignored.</param>
/// <param name="asianSupport">Whether <paramref name="normalize"/> makes ideographs words of their own, and both options treat Asian punctuation.</param>
/// <param name="keepSamples">Whether <see cref="PerSample"/> is wanted: costs 8 bytes a sample.</param>
public sealed class TranslationEditRate(bool normalize = false, bool noPunctuation = false, bool lowercase = true, bool asianSupport = false, bool keepSamples = false)
    : ScalarMetric<TextComparison>(new TranslationErrors(new TercomTokenizer(normalize, noPunctuation, lowercase, asianSupport), keepSamples))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>Each sample's rate, in the order they came.</summary>
    /// <exception cref="InvalidOperationException">The metric was made without keeping them, or nothing was accumulated yet.</exception>
    public IReadOnlyList<double> PerSample()
    {
        ThrowIfEmpty();
        return KeptSamples.Of(States, GetType());
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => TranslationErrors.Rate(states[0].Span<double>()[0], states[0].Span<double>()[1]);
}

/// <summary>Edits and mean lengths of references, summed; and each sample's rate where asked for.</summary>
sealed record TranslationErrors(TercomTokenizer Tokenizer, bool KeepsSamples) : HostAccumulation<TextComparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("edits", Reduction.Sum, zeros([2], ScalarType.Float64));
        if (KeepsSamples) KeptSamples.Declare(states);
    }

    public override void Check(in TextComparison batch) => batch.ThrowIfIncomplete();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var counts = states[0].Span<double>();
        var (table, shifts) = (new SymbolTable(), new TranslationEdits());
        var (predicted, expected) = (new List<int>(), new List<int>());
        var samples = KeepsSamples ? new double[batch.Count] : [];
        for (var i = 0; i < batch.Count; i++)
        {
            var prediction = table.Words(Tokenizer.Prepare(batch.Predictions[i]), predicted);
            var (edits, words) = (int.MaxValue, 0L);
            var references = batch.NumReferences(i);
            for (var j = 0; j < references; j++)
            {
                var reference = table.Words(Tokenizer.Prepare(batch.Reference(i, j)), expected);
                edits = Math.Min(edits, shifts.Count(prediction, reference));
                words += reference.Length;
            }
            var length = (double)words / references;
            counts[0] += edits;
            counts[1] += length;
            if (KeepsSamples) samples[i] = Rate(edits, length);
        }
        if (KeepsSamples) states[1].Append<double>(samples);
    }

    public static double Rate(double edits, double length) => length > 0 ? edits / length : edits > 0 ? 1 : 0;
}
