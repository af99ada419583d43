using System.Globalization;
using Raijin.Metrics;

namespace Raijin;

/// <summary>A metric's number of each class, under the classes' names.</summary>
/// <remarks>In logs each class is a number of its own: <c>f1/cat</c>, <c>f1/dog</c>. In a collection it shares the states of metrics that need the same.</remarks>
/// <typeparam name="TBatch">What one update is given.</typeparam>
public sealed class Classwise<TBatch> : MetricWrapper<TBatch, IReadOnlyDictionary<string, double>>
    where TBatch : struct, IMetricBatch<TBatch>
{
    readonly IMember<TBatch> _member;
    readonly Metric _metric;
    readonly string[]? _names;

    /// <summary>Names the classes of a metric.</summary>
    /// <param name="metric">A metric with a number for each class (<see cref="IPerClass"/>) that has not accumulated anything. Taken over.</param>
    /// <param name="names">The classes' names, in their order; null for 0, 1, ….</param>
    /// <exception cref="ArgumentException">The metric has no numbers of classes, or two classes have one name.</exception>
    public Classwise(IUpdate<TBatch> metric, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(metric);
        if (metric is not IPerClass) throw new ArgumentException($"{metric.GetType().Name} has no number for each class.", nameof(metric));
        if (names is not null && names.Distinct(StringComparer.Ordinal).Count() < names.Count) throw new ArgumentException($"Two classes have one name: {string.Join(", ", names)}.", nameof(names));
        _names = names?.ToArray();
        _member = Wrapped.Take(metric);
        _metric = (Metric)_member;
    }

    /// <inheritdoc/>
    public override long Updates => _metric.Updates;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => _metric.HigherIsBetter;

    /// <summary>The metric's.</summary>
    public override IEnumerable<MetricPart> Parts() => _metric.Parts();

    internal override object? SharingKey => _metric.SharingKey;

    internal override MetricStates SharedStates => _metric.SharedStates;

    internal override void Adopt(MetricStates shared) => _metric.Adopt(shared);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Compute()
    {
        var results = new OrderedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in ComputeScalars()) results.Add(name, value);
        return results;
    }

    /// <summary>The metric's own number, its average over the classes.</summary>
    public override double ComputeScalar() => _metric.ComputeScalar();

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var values = ((IPerClass)_metric).PerClass();
        if (_names is not null && _names.Length != values.Count)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{_metric.GetType().Name} has {values.Count} classes, but {_names.Length} names were given."));
        return [.. values.Select((value, i) => new KeyValuePair<string, double>(_names?[i] ?? i.ToString(CultureInfo.InvariantCulture), value))];
    }

    private protected override void Add(in TBatch batch) => _member.Update(in batch);

    /// <inheritdoc/>
    protected override void DisposeParts() => _metric.Dispose();
}
