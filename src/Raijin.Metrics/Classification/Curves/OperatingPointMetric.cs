using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The best of one rate where another is at least so much, and the threshold that gives it.</summary>
/// <remarks>
/// <inheritdoc cref="CurveMetric" path="/remarks/*"/>
/// <para>
/// Of several classes the value is the average of theirs and the threshold, being different for each, NaN: <see cref="Points"/> has them. <see cref="Average.Micro"/>
/// takes all columns of scores for one, which has a threshold.
/// </para>
/// </remarks>
public abstract class OperatingPointMetric : Metric<Comparison, OperatingPoint>, IPerClass
{
    private protected OperatingPointMetric(Classification task, double least, Average average, Thresholds? thresholds)
        : base(least is >= 0 and <= 1 ? CurveAccumulation.Of(task, thresholds) : throw new ArgumentOutOfRangeException(nameof(least), least, "A rate lies in [0, 1]."))
        => (Least, Average) = (least, average);

    /// <summary>What the other rate is at least.</summary>
    public double Least { get; }

    /// <summary>How the values of the classes become one.</summary>
    public Average Average { get; }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    CurveAccumulation Curves => (CurveAccumulation)Accumulation;

    /// <summary>The point of each class or label; binary has one.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<OperatingPoint> Points()
    {
        ThrowIfEmpty();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return [.. Curves.PerClass(States).Select(Best)];
    }

    /// <summary>The value of each class or label; binary has one.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<double> PerClass() => [.. Points().Select(p => p.Value)];

    /// <summary>The value.</summary>
    public override double ComputeScalar() => Compute().Value;

    /// <summary>The value and the threshold.</summary>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var point = Compute();
        return [new("value", point.Value), new("threshold", point.Threshold)];
    }

    /// <inheritdoc/>
    protected sealed override OperatingPoint Compute(MetricStates states)
    {
        if (Average == Average.Micro && Curves.Task.Width > 1) return Best(Curves.Pooled(states));
        var counts = Curves.PerClass(states);
        return counts.Length == 1 ? Best(counts[0]) : new(ClassAverage.Of(Average, counts.Select(c => (Best(c).Value, c.Positives))), double.NaN);
    }

    private protected abstract OperatingPoint Best(CurveCounts counts);
}

/// <summary>The highest precision with at least so much recall. Of equal ones that of the higher recall, then of the higher threshold; 0 at NaN where no threshold has it.</summary>
/// <remarks><inheritdoc cref="OperatingPointMetric" path="/remarks/*"/></remarks>
/// <param name="task">What is classified.</param>
/// <param name="minRecall">In [0, 1].</param>
/// <param name="average">How the values of the classes become one.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class PrecisionAtFixedRecall(Classification task, double minRecall, Average average = Average.Macro, Thresholds? thresholds = null)
    : OperatingPointMetric(task, minRecall, average, thresholds)
{
    private protected override OperatingPoint Best(CurveCounts counts) => counts.PrecisionAtRecall(Least);
}

/// <summary>The highest recall with at least so much precision. Of equal ones that of the higher precision, then of the higher threshold; 0 at NaN where no threshold has it.</summary>
/// <remarks><inheritdoc cref="OperatingPointMetric" path="/remarks/*"/></remarks>
/// <param name="task">What is classified.</param>
/// <param name="minPrecision">In [0, 1].</param>
/// <param name="average">How the values of the classes become one.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class RecallAtFixedPrecision(Classification task, double minPrecision, Average average = Average.Macro, Thresholds? thresholds = null)
    : OperatingPointMetric(task, minPrecision, average, thresholds)
{
    private protected override OperatingPoint Best(CurveCounts counts) => counts.RecallAtPrecision(Least);
}

/// <summary>The highest sensitivity (true positive rate) with at least so much specificity, at the highest threshold that has it: ∞ where only calling nothing positive has.</summary>
/// <remarks><inheritdoc cref="OperatingPointMetric" path="/remarks/*"/></remarks>
/// <param name="task">What is classified.</param>
/// <param name="minSpecificity">In [0, 1].</param>
/// <param name="average">How the values of the classes become one.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class SensitivityAtSpecificity(Classification task, double minSpecificity, Average average = Average.Macro, Thresholds? thresholds = null)
    : OperatingPointMetric(task, minSpecificity, average, thresholds)
{
    private protected override OperatingPoint Best(CurveCounts counts) => counts.SensitivityAtSpecificity(Least);
}

/// <summary>The highest specificity (true negative rate) with at least so much sensitivity, at the highest threshold that has it: -∞ where only calling everything positive has.</summary>
/// <remarks><inheritdoc cref="OperatingPointMetric" path="/remarks/*"/></remarks>
/// <param name="task">What is classified.</param>
/// <param name="minSensitivity">In [0, 1].</param>
/// <param name="average">How the values of the classes become one.</param>
/// <param name="thresholds">Null: exact. Else binned.</param>
public sealed class SpecificityAtSensitivity(Classification task, double minSensitivity, Average average = Average.Macro, Thresholds? thresholds = null)
    : OperatingPointMetric(task, minSensitivity, average, thresholds)
{
    private protected override OperatingPoint Best(CurveCounts counts) => counts.SpecificityAtSensitivity(Least);
}
