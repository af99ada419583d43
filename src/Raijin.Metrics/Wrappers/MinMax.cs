using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A metric's number, and the least and the greatest it was.</summary>
/// <param name="Value">The number now.</param>
/// <param name="Min">The least that was ever computed.</param>
/// <param name="Max">The greatest that was ever computed.</param>
public readonly record struct MinMaxResult(double Value, double Min, double Max);

/// <summary>A metric that remembers the least and the greatest number it ever computed, over resets: those of all epochs.</summary>
/// <remarks>
/// Only what Compute gave counts, not what an update would have given. Reset resets the metric and keeps the extremes, which are saved with it;
/// <see cref="Forget"/> drops them. NaN is never an extreme: where there was nothing else both are NaN. In logs: <c>value</c>, <c>min</c>, <c>max</c>.
/// </remarks>
/// <typeparam name="TBatch">What one update is given.</typeparam>
public sealed class MinMax<TBatch> : MetricWrapper<TBatch, MinMaxResult>
    where TBatch : struct, IMetricBatch<TBatch>
{
    readonly IMember<TBatch> _member;
    readonly Metric _metric;
    readonly MetricState _min;
    readonly MetricState _max;
    double _lowest = double.PositiveInfinity;
    double _highest = double.NegativeInfinity;

    /// <summary>Remembers a metric's extremes.</summary>
    /// <param name="metric">A metric, a wrapper or a collection (of which its first member counts) that has not accumulated anything. Taken over.</param>
    public MinMax(IUpdate<TBatch> metric)
    {
        _member = Wrapped.Take(metric);
        _metric = (Metric)_member;
        _min = AddState("min", Reduction.Min, tensor(double.PositiveInfinity));
        _max = AddState("max", Reduction.Max, tensor(double.NegativeInfinity));
    }

    /// <inheritdoc/>
    public override long Updates => _metric.Updates;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => _metric.HigherIsBetter;

    /// <summary>The extremes, and the metric.</summary>
    public override IEnumerable<MetricPart> Parts()
    {
        Settle();
        return [new("", States), .. _metric.Parts().Select(p => new MetricPart(p.Path.Length == 0 ? "metric" : $"metric/{p.Path}", p.States))];
    }

    /// <inheritdoc/>
    public override MinMaxResult Compute()
    {
        var value = _metric.ComputeScalar();
        if (!double.IsNaN(value)) (_lowest, _highest) = (Math.Min(_lowest, value), Math.Max(_highest, value));
        var (min, max) = (Math.Min(_lowest, _min.ToArray<double>()[0]), Math.Max(_highest, _max.ToArray<double>()[0]));
        Settle();
        return min > max ? new(value, double.NaN, double.NaN) : new(value, min, max);
    }

    /// <summary>The number now.</summary>
    public override double ComputeScalar() => Compute().Value;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var (value, min, max) = Compute();
        return [new("value", value), new("min", min), new("max", max)];
    }

    /// <summary>Puts the metric back to its start. The extremes stay.</summary>
    public override void Reset() => _metric.Reset();

    /// <summary>Drops the extremes.</summary>
    public void Forget()
    {
        (_lowest, _highest) = (double.PositiveInfinity, double.NegativeInfinity);
        States.Reset();
    }

    private protected override void Add(in TBatch batch) => _member.Update(in batch);

    // While the states are those of all ranks, what was computed can't be written to them: they will be put back.
    void Settle()
    {
        if (States.IsSynchronized || _lowest > _highest) return;
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        _min.Set(_min.Value.clamp(max: _lowest));
        _max.Set(_max.Value.clamp(min: _highest));
        (_lowest, _highest) = (double.PositiveInfinity, double.NegativeInfinity);
    }

    /// <inheritdoc/>
    protected override void DisposeParts() => _metric.Dispose();
}
