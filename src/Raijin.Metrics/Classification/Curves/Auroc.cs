using Raijin.Metrics;

namespace Raijin;

/// <summary>What a multiclass curve sets a class against.</summary>
public enum OneVersus
{
    /// <summary>All other classes at once.</summary>
    Rest,

    /// <summary>Each other class by itself (Hand and Till 2001): insensitive to how frequent classes are.</summary>
    One,
}

/// <summary>
/// Area under the ROC curve: the chance that a positive's score is above a negative's, equal scores counting half. In [0, 1], 0.5 for chance, more is better.
/// </summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>
/// Exact by ranking the scores in buckets on all cores (per class on one core each), as scikit-learn's <c>roc_auc_score</c>; binned by trapezoids between
/// the thresholds' points, (0, 0) and (1, 1), where torchmetrics leaves the last two out.
/// </para>
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">How the areas of the classes become one.</param>
/// <param name="maxFpr">The area up to this false positive rate only, in (0, 1], standardized to 0.5 for chance (McClish 1989); null: all of it.</param>
/// <param name="versus">Multiclass, exact: what a class is set against. Weighted, a pair counts by the samples of both its classes.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class Auroc(Classification task, Average average = Average.Macro, double? maxFpr = null, OneVersus versus = OneVersus.Rest, Thresholds? thresholds = null)
    : CurveMetric(Valid(task, average, versus, maxFpr, thresholds), average, thresholds)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override IReadOnlyList<(double Value, double Weight)> Each(MetricStates states)
    {
        if (versus == OneVersus.One) return PerRival(((KeptScores)Curves).PairwiseAreas(states));
        return maxFpr is null ? [.. Curves.Areas(states).Select(a => (a.Value, a.Positives))] : base.Each(states);
    }

    private protected override double Pooled(MetricStates states) => maxFpr is null ? Curves.PooledArea(states) : base.Pooled(states);

    private protected override double Score(CurveCounts counts) => maxFpr is { } most ? counts.PartialArea(most) : counts.AreaUnderRoc();

    // A pair's area is the mean of its two; a class's the mean of its pairs, and so that the mean of classes is the mean of pairs in either average,
    // a class weighs as much as its pairs that are defined.
    (double Value, double Weight)[] PerRival(RankedArea[,] areas)
    {
        var classes = areas.GetLength(0);
        var each = new (double Value, double Weight)[classes];
        for (var j = 0; j < classes; j++)
        {
            var pairs = Enumerable.Range(0, classes).Where(k => k != j)
                .Select(k => (Value: (areas[j, k].Value + areas[k, j].Value) / 2, Weight: areas[j, k].Positives + areas[j, k].Negatives)).Where(p => !double.IsNaN(p.Value)).ToArray();
            each[j] = (ClassAverage.Of(Average, pairs), pairs.Sum(p => p.Weight));
        }
        return each;
    }

    static Classification Valid(Classification task, Average average, OneVersus versus, double? maxFpr, Thresholds? thresholds)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (maxFpr is not (null or (> 0 and <= 1))) throw new ArgumentOutOfRangeException(nameof(maxFpr), maxFpr, "A false positive rate to end at lies in (0, 1].");
        if (versus == OneVersus.One && (task.Kind != ClassificationKind.Multiclass || thresholds is not null || maxFpr is not null || average == Average.Micro))
            throw new ArgumentException("One class against one other is for exact multiclass areas under whole curves, macro or weighted: leave out thresholds and maxFpr, or set it against the rest.", nameof(versus));
        return task;
    }
}
