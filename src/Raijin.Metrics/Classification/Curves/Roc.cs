using Raijin.Charts;
using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Receiver operating characteristic: the true positive rate over the false positive rate for every threshold; one curve for binary, one a class or label
/// else. Its number is the area under the curve, of several curves their mean.
/// </summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>
/// As scikit-learn's <c>roc_curve</c> with <c>drop_intermediate=False</c>: every different score is a point, and the first, where nothing is called positive,
/// stands at ∞ (torchmetrics: 1). Binned curves end in (0, 0) and (1, 1) too, where torchmetrics' end at the outer thresholds.
/// </para>
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">Null: a curve for each class. Micro: one of all columns of scores. Macro: the mean of the classes' true positive rates.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class Roc(Classification task, Average? average = null, Thresholds? thresholds = null)
    : Metric<Comparison, IReadOnlyList<RocCurve>>(CurveAccumulation.Of(task, thresholds)), IPlot
{
    readonly Average? _average = average != Average.Weighted ? average : throw new ArgumentException("Curves have no weighted average: take macro, micro or null.", nameof(average));

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The mean of the areas under the curves that have one.</summary>
    public override double ComputeScalar() => ClassAverage.Of(Average.Macro, Compute().Select(c => (c.Area, 1.0)));

    /// <summary>The area under each curve.</summary>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars() => CurveAreas.Named([.. Compute().Select(c => c.Area)]);

    /// <summary>The curves, each with its area, beside chance.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        var curves = Compute();
        return new LineChart
        {
            Title = title ?? "ROC",
            XLabel = "false positive rate",
            YLabel = "true positive rate",
            Curves =
            [
                new Curve("", [0, 1], [0, 1]) { Style = CurveStyle.Faint },
                .. curves.Select((c, i) => CurveChart.Draw(CurveChart.Name(i, curves.Count, c.Area, "area"), c.Fpr, c.Tpr) with { Color = i }),
            ],
            Legend = true,
        };
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<RocCurve> Compute(MetricStates states)
    {
        var curves = (CurveAccumulation)Accumulation;
        if (_average == Average.Micro && curves.Task.Width > 1) return [curves.Pooled(states).ToRoc()];
        RocCurve[] each = [.. curves.PerClass(states).Select(c => c.ToRoc())];
        return _average == Average.Macro && each.Length > 1 ? [RocCurve.Mean(each)] : each;
    }
}

/// <summary>
/// Precision over recall for every threshold; one curve for binary, one a class or label else. Its number is the average precision, of several curves their mean.
/// </summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>
/// As scikit-learn's <c>precision_recall_curve</c>, but recall is NaN without positives, where that and torchmetrics give 1. torchmetrics' macro curve, the mean
/// of recalls interpolated along precision, which is no function of it, is left out.
/// </para>
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">Null: a curve for each class. Micro: one of all columns of scores.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class PrecisionRecallCurve(Classification task, Average? average = null, Thresholds? thresholds = null)
    : Metric<Comparison, IReadOnlyList<PrecisionRecall>>(CurveAccumulation.Of(task, thresholds)), IPlot
{
    readonly Average? _average = average is null or Average.Micro ? average : throw new ArgumentException("Curves of precision and recall have no mean: take micro or null.", nameof(average));

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The mean of the average precisions of the curves that have one.</summary>
    public override double ComputeScalar() => ClassAverage.Of(Average.Macro, Compute().Select(c => (c.Area, 1.0)));

    /// <summary>The average precision of each curve.</summary>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars() => CurveAreas.Named([.. Compute().Select(c => c.Area)]);

    /// <summary>The curves, each with its average precision.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        var curves = Compute();
        // Recall falls from the lowest threshold on; a chart's abscissas rise.
        return new LineChart
        {
            Title = title ?? "Precision and recall",
            XLabel = "recall",
            YLabel = "precision",
            Curves = [.. curves.Select((c, i) => CurveChart.Draw(CurveChart.Name(i, curves.Count, c.Area, "average precision"), [.. c.Recall.Reverse()], [.. c.Precision.Reverse()]) with { Color = i })],
            Legend = true,
        };
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<PrecisionRecall> Compute(MetricStates states)
    {
        var curves = (CurveAccumulation)Accumulation;
        return _average == Average.Micro && curves.Task.Width > 1 ? [curves.Pooled(states).ToPrecisionRecall()] : [.. curves.PerClass(states).Select(c => c.ToPrecisionRecall())];
    }
}

/// <summary>Names for the areas of curves.</summary>
static class CurveAreas
{
    /// <summary>An only area has no name, others are numbered by class.</summary>
    public static IReadOnlyList<KeyValuePair<string, double>> Named(double[] areas) =>
        areas.Length == 1 ? [new("", areas[0])] : [.. areas.Select((a, i) => KeyValuePair.Create(i.ToString(System.Globalization.CultureInfo.InvariantCulture), a))];
}
