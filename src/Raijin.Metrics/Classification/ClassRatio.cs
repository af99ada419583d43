using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// A ratio of a class's outcomes (its true and false, positives and negatives), averaged over classes: precision, recall and their kin. All of them share
/// one accumulation, so that a collection of ten reads the predictions once.
/// </summary>
/// <remarks>
/// Binary: the ratio of class 1; there is nothing to average. Nothing counted (no sample, all ignored, all weights 0) gives NaN.
/// A ratio of 0 / 0, such as the precision of a class nobody predicted, is <see cref="ZeroDivision"/>. A label of multilabel of which nothing was counted is
/// NaN and left out of averages (torchmetrics counts it as 0).
/// </remarks>
public abstract class ClassRatio : ScalarMetric<Comparison>, IPerClass
{
    private protected ClassRatio(Classification task, Average average, double zeroDivision)
        : base(zeroDivision is 0 or 1 or double.NaN
            ? ConfusionCounts.OrClassCounts(task)
            : throw new ArgumentOutOfRangeException(nameof(zeroDivision), zeroDivision, "0 / 0 counts as 0, 1 or NaN."))
        => (Task, Average, ZeroDivision) = (task, average, zeroDivision);

    /// <summary>What is classified.</summary>
    public Classification Task { get; }

    /// <summary>How the numbers of several classes become one.</summary>
    public Average Average { get; }

    /// <summary>What 0 / 0 is: 0 or 1; or NaN, and then such a class is left out of the average.</summary>
    public double ZeroDivision { get; }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The ratio of these outcomes, whatever they are of: a class, all classes together, one sample.</summary>
    public abstract double Ratio(in OutcomeCounts counts);

    /// <inheritdoc/>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        return Array.ConvertAll(Outcomes.Read(Accumulation, States), c => c.Total == 0 ? double.NaN : Ratio(c));
    }

    /// <inheritdoc/>
    protected sealed override double Compute(MetricStates states)
    {
        var classes = Outcomes.Read(Accumulation, states);
        var all = OutcomeCounts.Sum(classes);
        if (all.Total == 0) return double.NaN;
        if (classes.Length == 1 || Average == Average.Micro) return Ratio(all);
        var (sum, weights) = (0.0, 0.0);
        foreach (var counts in classes)
        {
            if (counts.Total == 0 || Task.Kind == ClassificationKind.Multiclass && !counts.Appears) continue;
            var ratio = Ratio(counts);
            if (double.IsNaN(ratio)) continue;
            var weight = Average == Average.Macro ? 1 : counts.Support;
            sum += weight * ratio;
            weights += weight;
        }
        return weights == 0 ? ZeroDivision : sum / weights;
    }

    private protected double Divide(double numerator, double denominator) => denominator == 0 ? ZeroDivision : numerator / denominator;
}
