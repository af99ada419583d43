using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Metrics of a model with several tasks, each fed with its own batches. Saved, merged and synchronized as one metric.
/// <code>
/// var tasks = new MultiTask("val/") { { "depth", new MeanSquaredError() }, { "class", new MetricCollection { … } } };
/// tasks.Update("depth", new Comparison(depth, measured));
/// tasks.Compute()["val/depth"];
/// </code>
/// </summary>
public sealed class MultiTask : Metric, IReadOnlyCollection<KeyValuePair<string, Metric>>
{
    readonly List<KeyValuePair<string, Metric>> _tasks = [];

    /// <summary>No tasks yet.</summary>
    /// <param name="prefix">Stands before each task's name in the results.</param>
    /// <param name="postfix">Stands after each number's name in the results.</param>
    public MultiTask(string prefix = "", string postfix = "")
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentNullException.ThrowIfNull(postfix);
        (Prefix, Postfix) = (prefix, postfix);
    }

    /// <summary>What stands before each task's name in the results.</summary>
    public string Prefix { get; }

    /// <summary>What stands after each number's name in the results.</summary>
    public string Postfix { get; }

    /// <summary>How many tasks there are.</summary>
    public int Count => _tasks.Count;

    /// <summary>The fewest updates any task holds.</summary>
    public override long Updates => _tasks.Count == 0 ? 0 : _tasks.Min(t => t.Value.Updates);

    /// <summary>The metric of a task.</summary>
    /// <exception cref="KeyNotFoundException">There is no such task; the message lists those there are.</exception>
    public Metric this[string task] => TryGet(task, out var metric) ? metric : throw new KeyNotFoundException($"There is no task {task}; there are {string.Join(", ", _tasks.Select(t => t.Key))}.");

    /// <summary>The metric of a task.</summary>
    public bool TryGet(string task, [NotNullWhen(true)] out Metric? metric)
    {
        metric = _tasks.Find(t => t.Key == task).Value;
        return metric is not null;
    }

    /// <summary>Adds a task.</summary>
    /// <param name="task">Its name.</param>
    /// <param name="metric">A metric, a wrapper or a collection that has not accumulated anything. Taken over.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string task, Metric metric)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(task);
        ArgumentNullException.ThrowIfNull(metric);
        if (TryGet(task, out _)) throw new ArgumentException($"There is a task {task} already.", nameof(task));
        metric.Hold();
        _tasks.Add(new(task, metric));
    }

    /// <summary>Accumulates a task's batch. No value is read back.</summary>
    /// <param name="task">Its name.</param>
    /// <param name="batch">What its metric is fed with.</param>
    /// <exception cref="ArgumentException">The task's metric is fed with something else.</exception>
    public void Update<TBatch>(string task, in TBatch batch)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        if (this[task] is not IMember<TBatch> member) throw new ArgumentException($"{this[task].GetType().Name}, the metric of {task}, can't be updated with {typeof(TBatch).Name}.", nameof(batch));
        member.Update(in batch);
    }

    /// <summary>Accumulates one batch of every task.</summary>
    /// <param name="batches">By task, one for each.</param>
    /// <exception cref="ArgumentException">A task has no batch, or a batch no task; nothing was changed.</exception>
    public void Update<TBatch>(IReadOnlyDictionary<string, TBatch> batches)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(batches);
        if (batches.Count != _tasks.Count || !_tasks.All(t => batches.ContainsKey(t.Key)))
            throw new ArgumentException($"The batches are of {string.Join(", ", batches.Keys)}, but the tasks are {string.Join(", ", _tasks.Select(t => t.Key))}.", nameof(batches));
        foreach (var (task, _) in _tasks) Update(task, batches[task]);
    }

    /// <summary>Every task's numbers, by prefix + task + postfix; of a task with several, by prefix + task + "/" + the number's name + postfix.</summary>
    /// <exception cref="InvalidOperationException">A task has accumulated nothing yet.</exception>
    public IReadOnlyDictionary<string, double> Compute()
    {
        var results = new OrderedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in ComputeScalars()) results.Add(name, value);
        return results;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars() =>
    [
        .. _tasks.SelectMany(task => task.Value.ComputeScalars().Select(number =>
            new KeyValuePair<string, double>($"{Prefix}{task.Key}{(number.Key.Length == 0 ? "" : "/" + number.Key)}{Postfix}", number.Value))),
    ];

    /// <summary>The first task's number.</summary>
    public override double ComputeScalar() => _tasks.Count == 0
        ? throw new InvalidOperationException("There are no tasks: add one first.")
        : _tasks[0].Value.ComputeScalar();

    /// <inheritdoc/>
    public override bool? HigherIsBetterOf(string number) => NumberNames.Find(_tasks, Prefix, number, Postfix);

    /// <summary>The tasks' states, each under its task.</summary>
    public override IEnumerable<MetricPart> Parts() =>
        _tasks.SelectMany(task => task.Value.Parts().Select(part => new MetricPart(part.Path.Length == 0 ? task.Key : $"{task.Key}/{part.Path}", part.States)));

    /// <inheritdoc/>
    public override void Reset()
    {
        foreach (var (_, metric) in _tasks) metric.Reset();
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Metric>> GetEnumerator() => _tasks.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    protected override void DisposeParts()
    {
        foreach (var (_, metric) in _tasks) metric.Dispose();
    }
}
