using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Character error rate: the fewest character insertions, deletions and substitutions that turn the predictions into the references, over the references' characters.</summary>
/// <remarks>
/// One reference a prediction; characters are code points, white space among them, compared as they are. In [0, ∞), lower is better. References
/// without a character give NaN if the predictions have none either, else infinity. As in torchmetrics.
/// </remarks>
public sealed class CharErrorRate() : ScalarMetric<TextComparison>(new CharErrors(SubstitutionCost: 1, KeepsSamples: false))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => states[0].Span<double>()[0] / states[0].Span<double>()[1];
}

/// <summary>Edit distance of characters (Levenshtein): the lowest cost of turning a prediction into its reference, where an insertion or a deletion costs 1.</summary>
/// <remarks>
/// One reference a prediction; characters are code points, compared as they are. Not negative, lower is better; of no samples the mean is NaN, the
/// sum 0. torchmetrics gives 0 for both, and only looks near the diagonal of very unequal texts; here the distance is always the lowest.
/// </remarks>
/// <param name="substitutionCost">What a substitution costs, not negative. From 2 on it is never cheaper than a deletion and an insertion.</param>
/// <param name="reduction">How the samples' distances become one number.</param>
/// <param name="keepSamples">Whether <see cref="PerSample"/> is wanted: costs 8 bytes a sample.</param>
public sealed class EditDistance(int substitutionCost = 1, SampleReduction reduction = SampleReduction.Mean, bool keepSamples = false)
    : ScalarMetric<TextComparison>(new CharErrors(Checked(substitutionCost), keepSamples))
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
    protected override double Compute(MetricStates states)
    {
        var counts = states[0].Span<double>();
        return reduction == SampleReduction.Sum ? counts[0] : counts[0] / counts[2];
    }

    static int Checked(int substitutionCost)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(substitutionCost);
        return substitutionCost;
    }
}

/// <summary>Lowest costs, the references' characters, and samples, summed; and each sample's cost where asked for.</summary>
sealed record CharErrors(int SubstitutionCost, bool KeepsSamples) : HostAccumulation<TextComparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("characters", Reduction.Sum, zeros([3], ScalarType.Float64));
        if (KeepsSamples) KeptSamples.Declare(states);
    }

    public override void Check(in TextComparison batch) => batch.ThrowIfNotPairs();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var counts = states[0].Span<double>();
        var (table, levenshtein) = (new SymbolTable(), new Levenshtein());
        var (predicted, expected) = (new List<int>(), new List<int>());
        var samples = KeepsSamples ? new double[batch.Count] : [];
        for (var i = 0; i < batch.Count; i++)
        {
            var reference = table.Characters(batch.Reference(i, 0), expected);
            double distance = levenshtein.Distance(table.Characters(batch.Predictions[i], predicted), reference, SubstitutionCost);
            counts[0] += distance;
            counts[1] += reference.Length;
            counts[2]++;
            if (KeepsSamples) samples[i] = distance;
        }
        if (KeepsSamples) states[1].Append<double>(samples);
    }
}
