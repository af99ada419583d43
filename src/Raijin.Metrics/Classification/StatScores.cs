using Raijin.Metrics;

namespace Raijin;

/// <summary>The counts behind the ratios: true and false positives and negatives, summed over classes; of each class with <see cref="PerClass"/>.</summary>
/// <remarks>Sums of weights where the batches have weights. Multiclass: a sample is a negative of every class but two at most. See <see cref="Classification"/> for shapes.</remarks>
/// <param name="task">What is classified.</param>
public sealed class StatScores(Classification task) : Metric<Comparison, OutcomeCounts>(ConfusionCounts.OrClassCounts(task))
{
    /// <summary>The counts of each class: of each label in multilabel, of class 1 alone in binary.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public IReadOnlyList<OutcomeCounts> PerClass()
    {
        ThrowIfEmpty();
        return Outcomes.Read(Accumulation, States);
    }

    /// <summary>True positives.</summary>
    public override double ComputeScalar() => Compute().TruePositives;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var sum = Compute();
        return [new("tp", sum.TruePositives), new("fp", sum.FalsePositives), new("tn", sum.TrueNegatives), new("fn", sum.FalseNegatives), new("support", sum.Support)];
    }

    /// <inheritdoc/>
    protected override OutcomeCounts Compute(MetricStates states) => OutcomeCounts.Sum(Outcomes.Read(Accumulation, states));
}
