using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A number made from a curve of each class.</summary>
/// <remarks>
/// <para>
/// Scores and targets are shaped as the <see cref="Classification"/> says; scores are floating. Multiclass is one class against the rest, multilabel
/// each label by itself. Binary and multilabel scores are probabilities in [0, 1], or any real numbers with the task's <c>logits</c>: the sigmoid keeps
/// their order, so it is left out, and ties that it would make by saturation don't arise. Multiclass logits go through the softmax.
/// </para>
/// <para>
/// Without thresholds the curve is exact: every score is kept, in its own precision, and <c>Compute</c> sorts them. With <see cref="Thresholds"/> it is
/// binned, in constant memory, and exact at the thresholds. Metrics of equal task and thresholds share what they keep in a collection.
/// </para>
/// <para>
/// A class without which the number is undefined gives NaN, and the macro and weighted averages leave it out; torchmetrics gives 0 or 1 and warns.
/// Samples of weight 0 don't count.
/// </para>
/// </remarks>
public abstract class CurveMetric : ScalarMetric<Comparison>, IPerClass
{
    private protected CurveMetric(Classification task, Average average, Thresholds? thresholds)
        : base(CurveAccumulation.Of(task, thresholds)) => Average = average;

    /// <summary>What is classified.</summary>
    public Classification Task => Curves.Task;

    /// <summary>How the numbers of the classes become one: <see cref="Average.Micro"/> takes all columns of scores for one; binary has one anyway.</summary>
    public Average Average { get; }

    private protected CurveAccumulation Curves => (CurveAccumulation)Accumulation;

    /// <summary>The number of each class or label; binary has one.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return [.. Each(States).Select(e => e.Value)];
    }

    /// <inheritdoc/>
    protected sealed override double Compute(MetricStates states) =>
        Average == Average.Micro && Task.Width > 1 ? Pooled(states) : ClassAverage.Of(Average, Each(states));

    private protected virtual IReadOnlyList<(double Value, double Weight)> Each(MetricStates states) => [.. Curves.PerClass(states).Select(c => (Score(c), c.Positives))];

    private protected virtual double Pooled(MetricStates states) => Score(Curves.Pooled(states));

    private protected abstract double Score(CurveCounts counts);
}

/// <summary>The mean over classes of what may be undefined for some.</summary>
static class ClassAverage
{
    /// <summary>The mean of the numbers that are defined, each with its weight if so asked; NaN where none is.</summary>
    public static double Of(Average average, IEnumerable<(double Value, double Weight)> classes)
    {
        var (sum, total) = (0.0, 0.0);
        foreach (var (value, support) in classes)
        {
            if (double.IsNaN(value)) continue;
            var weight = average == Average.Weighted ? support : 1;
            (sum, total) = (sum + (weight * value), total + weight);
        }
        return sum / total;
    }
}
