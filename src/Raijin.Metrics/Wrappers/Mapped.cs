using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A metric fed with what a function makes of each batch: scores to classes, one head of a model's output, targets to 0 and 1.</summary>
/// <remarks>Keep the metric for its typed result: <c>accuracy.Compute()</c> works as ever, only its updates come from here.</remarks>
/// <typeparam name="TInput">What one update is given.</typeparam>
/// <typeparam name="TBatch">What the metric is given.</typeparam>
public class Mapped<TInput, TBatch> : Metric, IUpdate<TInput>, IMember<TInput>
    where TInput : struct, IMetricBatch<TInput>
    where TBatch : struct, IMetricBatch<TBatch>
{
    readonly IMember<TBatch> _member;
    readonly Metric _metric;
    readonly Func<TInput, TBatch> _function;

    /// <summary>Puts a function before a metric.</summary>
    /// <param name="metric">A metric, a wrapper or a collection that has not accumulated anything. Taken over.</param>
    /// <param name="function">Applied to each batch first, without gradients; tensors it makes are freed after the update. It must not read values back if updates are not to wait.</param>
    public Mapped(IUpdate<TBatch> metric, Func<TInput, TBatch> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        _function = function;
        _member = Wrapped.Take(metric);
        _metric = (Metric)_member;
    }

    /// <inheritdoc/>
    public override long Updates => _metric.Updates;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => _metric.HigherIsBetter;

    /// <inheritdoc/>
    public override bool? HigherIsBetterOf(string number) => _metric.HigherIsBetterOf(number);

    /// <summary>The metric's.</summary>
    public override IEnumerable<MetricPart> Parts() => _metric.Parts();

    /// <inheritdoc/>
    public override void Reset() => _metric.Reset();

    /// <inheritdoc/>
    public override double ComputeScalar() => _metric.ComputeScalar();

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars() => _metric.ComputeScalars();

    /// <inheritdoc/>
    public void Update(in TInput batch)
    {
        ThrowIfJoined();
        Add(in batch);
    }

    void IMember<TInput>.Update(in TInput batch) => Add(in batch);

    void Add(in TInput batch)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var mapped = _function(batch);
        _member.Update(in mapped);
    }

    /// <inheritdoc/>
    protected override void DisposeParts() => _metric.Dispose();
}

/// <summary>A metric of classification fed with targets that are numbers: 1 where they lie above the threshold, else 0; NaN gives 0.</summary>
/// <param name="metric">A metric, a wrapper or a collection that has not accumulated anything. Taken over.</param>
/// <param name="threshold">Targets above it are 1 (int64).</param>
public sealed class BinaryTarget(IUpdate<Comparison> metric, double threshold = 0)
    : Mapped<Comparison, Comparison>(metric, batch => batch with { Targets = Above(batch.Targets, threshold) })
{
    static Tensor Above(Tensor targets, double threshold)
    {
        if (SampleTensor.IsComplex(targets)) ShapeMismatchException.Throw("targets", "real numbers", ShapeText.Of(targets));
        return targets.gt(threshold).to(ScalarType.Int64);
    }
}
