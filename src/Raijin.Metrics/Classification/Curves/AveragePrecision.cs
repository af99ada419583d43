using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Average precision, the area under the precision-recall curve by steps: Σ (Rᵢ - Rᵢ₋₁) Pᵢ over falling thresholds. In [0, 1], more is better; chance gives
/// the share of positives.
/// </summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>As scikit-learn's <c>average_precision_score</c>, but NaN without positives, where that gives 0. A binned curve whose lowest threshold is above some positives misses their recall, as in torchmetrics.</para>
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">How the numbers of the classes become one.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class AveragePrecision(Classification task, Average average = Average.Macro, Thresholds? thresholds = null) : CurveMetric(task, average, thresholds)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double Score(CurveCounts counts) => counts.AveragePrecision();
}

/// <summary>
/// Equal error rate: (FPR + FNR) / 2 where the two differ least, at the highest such threshold; what verification systems are compared by. In [0, 1], less
/// is better.
/// </summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>A point of the curve and no interpolation between two, as torchmetrics has it; which point is found by whole numbers, free of rounding.</para>
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">How the numbers of the classes become one.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class Eer(Classification task, Average average = Average.Macro, Thresholds? thresholds = null) : CurveMetric(task, average, thresholds)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double Score(CurveCounts counts) => counts.EqualErrorRate().Value;
}

/// <summary>
/// Area under the ROC curve over the logarithm of the false positive rate, between two rates, divided by the logarithm of their ratio (Mysinger and
/// Shoichet 2010): early positives count most, as in screening. In [0, 1], more is better.
/// </summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>Trapezoids in log FPR between the curve's points; the two ends are interpolated along FPR, as torchmetrics has it.</para>
/// </remarks>
public sealed class LogAuc : CurveMetric
{
    readonly double _low;
    readonly double _high;

    /// <summary>The area between two false positive rates.</summary>
    /// <param name="task">What is classified.</param>
    /// <param name="low">Lower false positive rate, above 0.</param>
    /// <param name="high">Upper false positive rate, above <paramref name="low"/> and at most 1.</param>
    /// <param name="average">How the numbers of the classes become one.</param>
    /// <param name="thresholds">Null: exact. Else binned.</param>
    public LogAuc(Classification task, double low = 0.001, double high = 0.1, Average average = Average.Macro, Thresholds? thresholds = null)
        : base(
            low > 0 && low < high && high <= 1 ? task : throw new ArgumentOutOfRangeException(nameof(low), low, $"False positive rates to integrate between are 0 < low < high <= 1, not {low} and {high}."),
            average,
            thresholds)
        => (_low, _high) = (low, high);

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double Score(CurveCounts counts) => counts.LogArea(_low, _high);
}
