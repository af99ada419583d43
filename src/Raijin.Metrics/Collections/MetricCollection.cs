using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Metrics updated together. Members whose accumulations are equal share one set of states and one pass over the batch; the collection is saved,
/// merged and synchronized as one metric.
/// <code>
/// var task = Classification.Multiclass(10);
/// var f1 = new F1Score(task);
/// var metrics = new MetricCollection("val/") { { "accuracy", new Accuracy(task) }, { "f1", f1 } };
/// metrics.Update(scores, labels);
/// metrics.Compute()["val/f1"];      // f1.Compute() gives the typed result
/// </code>
/// </summary>
/// <typeparam name="TBatch">What one update is given; every member takes it.</typeparam>
public class MetricCollection<TBatch> : Metric, IUpdate<TBatch>, IMember<TBatch>, IReadOnlyCollection<KeyValuePair<string, Metric>>
    where TBatch : struct, IMetricBatch<TBatch>
{
    readonly List<KeyValuePair<string, Metric>> _members = [];
    readonly List<IMember<TBatch>> _leaders = [];
    readonly Dictionary<object, string> _leaderOf = [];

    /// <summary>An empty collection.</summary>
    /// <param name="prefix">Stands before each member's name in the results.</param>
    /// <param name="postfix">Stands after it.</param>
    public MetricCollection(string prefix = "", string postfix = "")
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentNullException.ThrowIfNull(postfix);
        (Prefix, Postfix) = (prefix, postfix);
    }

    /// <summary>What stands before each member's name in the results.</summary>
    public string Prefix { get; }

    /// <summary>What stands after each member's name in the results.</summary>
    public string Postfix { get; }

    /// <summary>How many members it has.</summary>
    public int Count => _members.Count;

    /// <summary>How many sets of states its members share.</summary>
    public int NumAccumulations => _leaders.Count;

    /// <inheritdoc/>
    public override long Updates => _leaders.Count == 0 ? 0 : ((Metric)_leaders[0]).Updates;

    /// <summary>A member by its name, without prefix and postfix.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message lists those there are.</exception>
    public Metric this[string name] => TryGet(name, out var metric)
        ? metric
        : throw new KeyNotFoundException($"The collection has no metric {name}; it has {string.Join(", ", _members.Select(m => m.Key))}.");

    /// <summary>A member by its name, without prefix and postfix.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Metric? metric)
    {
        metric = _members.Find(m => m.Key == name).Value;
        return metric is not null;
    }

    /// <summary>Takes a metric in: from now on the collection updates, resets and frees it.</summary>
    /// <param name="name">Its name in the results.</param>
    /// <param name="metric">A metric fed with <typeparamref name="TBatch"/> that has not accumulated anything, or a composition of members. Taken over.</param>
    /// <exception cref="ArgumentException">The name is taken, or the metric is fed with something else.</exception>
    public void Add(string name, Metric metric)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(metric);
        if (TryGet(name, out _)) throw new ArgumentException($"The collection has a metric {name} already.", nameof(name));
        if (metric is CompositeMetric)
        {
            _members.Add(new(name, metric));
            return;
        }
        if (metric is not IMember<TBatch> member)
            throw new ArgumentException($"{metric.GetType().Name} can't be updated with {typeof(TBatch).Name}, as this collection is.", nameof(metric));
        var leader = metric.SharingKey is { } key && _leaderOf.TryGetValue(key, out var found) ? found : null;
        metric.Hold();
        if (leader is not null) metric.Adopt(this[leader].SharedStates);
        _members.Add(new(name, metric));
        if (leader is not null) return;
        _leaders.Add(member);
        if (metric.SharingKey is { } own) _leaderOf.Add(own, name);
    }

    /// <inheritdoc/>
    public void Update(in TBatch batch)
    {
        ThrowIfJoined();
        UpdateMembers(in batch);
    }

    void IMember<TBatch>.Update(in TBatch batch) => UpdateMembers(in batch);

    void UpdateMembers(in TBatch batch)
    {
        for (var i = 0; i < _leaders.Count; i++) _leaders[i].Update(in batch);
    }

    /// <summary>Every member's numbers, by prefix + name + postfix; of a member with several, by prefix + name + "/" + the number's name + postfix.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public IReadOnlyDictionary<string, double> Compute()
    {
        var results = new OrderedDictionary<string, double>(_members.Count, StringComparer.Ordinal);
        foreach (var (name, value) in ComputeScalars()) results.Add(name, value);
        return results;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var results = new List<KeyValuePair<string, double>>(_members.Count);
        foreach (var (name, metric) in _members)
            foreach (var (part, value) in metric.ComputeScalars())
                results.Add(new($"{Prefix}{name}{(part.Length == 0 ? "" : "/" + part)}{Postfix}", value));
        return results;
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetterOf(string number) => NumberNames.Find(_members, Prefix, number, Postfix);

    /// <summary>The first member's number.</summary>
    public override double ComputeScalar() => _members.Count == 0
        ? throw new InvalidOperationException("The collection is empty: add a metric first.")
        : _members[0].Value.ComputeScalar();

    /// <inheritdoc/>
    public override IEnumerable<MetricPart> Parts()
    {
        foreach (var leader in _leaders)
        {
            var name = _members.Find(m => ReferenceEquals(m.Value, leader)).Key;
            foreach (var part in ((Metric)leader).Parts()) yield return new(part.Path.Length == 0 ? name : $"{name}/{part.Path}", part.States);
        }
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Metric>> GetEnumerator() => _members.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    protected override void DisposeParts()
    {
        foreach (var (_, metric) in _members) metric.Dispose();
    }
}

/// <summary>Metrics of predictions and targets, updated together.</summary>
/// <inheritdoc/>
public sealed class MetricCollection(string prefix = "", string postfix = "") : MetricCollection<Comparison>(prefix, postfix);
