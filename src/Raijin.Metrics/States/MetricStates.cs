using System.Collections;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>The states of one accumulation, in the order of their declaration, and how many updates they hold.</summary>
public sealed class MetricStates : IReadOnlyList<MetricState>, IDisposable
{
    readonly List<MetricState> _states = [];
    bool _disposed;

    internal MetricStates()
    {
    }

    /// <summary>How many updates came in since the last reset. Zero means there is nothing to compute.</summary>
    public long Updates { get; internal set; }

    /// <summary>Whether other ranks' values stand in for these now: whatever came in would be lost.</summary>
    internal bool IsSynchronized { get; set; }

    /// <summary>What was wrong with the values that came in; null where the accumulation declares nothing to be wrong.</summary>
    public MetricFaults? Faults { get; private set; }

    /// <inheritdoc/>
    public int Count => _states.Count;

    /// <inheritdoc/>
    public MetricState this[int index] => _states[index];

    /// <summary>Declares a state.</summary>
    /// <param name="name">Its name among these states: part of the checkpoint's key.</param>
    /// <param name="reduction">How two values of it become one.</param>
    /// <param name="initial">Its value after a reset, of the dtype the state is kept in; [0, ...] for one that concatenates. Taken over.</param>
    /// <param name="combine">For <see cref="Reduction.Custom"/>: a new value from two; associative, and neutral towards the initial value.</param>
    public MetricState Add(string name, Reduction reduction, Tensor initial, Func<Tensor, Tensor, Tensor>? combine = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(initial);
        if (_states.Any(s => s.Name == name)) throw new ArgumentException($"The state {name} was declared twice.", nameof(name));
        var state = new MetricState(name, reduction, initial, combine);
        _states.Add(state);
        return state;
    }

    /// <summary>Declares what may be wrong with values that come in, one sentence part a kind: <c>"labels in [0, 10)"</c>.</summary>
    public MetricFaults AddFaults(params ReadOnlySpan<string> expectations)
    {
        if (Faults is not null) throw new InvalidOperationException("The faults were declared twice.");
        return Faults = new MetricFaults(Add("faults", Reduction.Custom, zeros([expectations.Length, 2], ScalarType.Float64), MetricFaults.Combine), expectations.ToArray());
    }

    /// <summary>Counts an update and moves the states to the device of what comes in.</summary>
    /// <param name="anchor">A tensor of the batch; null for a batch that has none: the states stay where they are.</param>
    internal void Begin(Tensor? anchor)
    {
        ThrowIfClosed();
        if (anchor is not null)
            foreach (var state in _states) state.MoveTo(anchor);
        Updates++;
    }

    internal void Begin(Device device)
    {
        ThrowIfClosed();
        foreach (var state in _states) state.MoveTo(device);
        Updates++;
    }

    void ThrowIfClosed()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (IsSynchronized) throw new InvalidOperationException("The metric holds what all ranks accumulated: dispose what Synchronize returned before the next update, merge or reset.");
    }

    /// <summary>Puts every state back to its initial value.</summary>
    public void Reset()
    {
        ThrowIfClosed();
        foreach (var state in _states) state.Reset();
        Updates = 0;
    }

    /// <summary>Folds in what another has accumulated, which is left as it is.</summary>
    /// <exception cref="ArgumentException">The other declares other states.</exception>
    public void Merge(MetricStates other)
    {
        ArgumentNullException.ThrowIfNull(other);
        ThrowIfClosed();
        if (!IsLike(other)) throw new ArgumentException("What was accumulated can't be merged: the declared states differ.", nameof(other));
        for (var i = 0; i < _states.Count; i++) _states[i].Merge(other._states[i].Value, Updates, other.Updates);
        Updates += other.Updates;
    }

    /// <summary>Takes over saved values: tensors by state name, and the number of updates they hold.</summary>
    /// <exception cref="ShapeMismatchException">A tensor is missing or has another shape or dtype than its state.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> saved, long updates)
    {
        ArgumentNullException.ThrowIfNull(saved);
        ArgumentOutOfRangeException.ThrowIfNegative(updates);
        ThrowIfClosed();
        foreach (var state in _states)
        {
            if (!saved.TryGetValue(state.Name, out var value))
                ShapeMismatchException.Throw(state.Name, "a saved value", "missing");
            state.Load(value);
        }
        Updates = updates;
    }

    /// <summary>Folds saved values in, as <see cref="Merge"/> does those of another.</summary>
    /// <inheritdoc cref="Load"/>
    public void Fold(IReadOnlyDictionary<string, Tensor> saved, long updates)
    {
        ArgumentNullException.ThrowIfNull(saved);
        ArgumentOutOfRangeException.ThrowIfNegative(updates);
        ThrowIfClosed();
        foreach (var state in _states)
        {
            if (!saved.TryGetValue(state.Name, out var value))
                ShapeMismatchException.Throw(state.Name, "a saved value", "missing");
            state.Merge(value, Updates, updates);
        }
        Updates += updates;
    }

    /// <summary>What they are the states of; null where a metric declared them by itself.</summary>
    internal object? Kind { get; private set; }

    /// <summary>Declares what an accumulation keeps.</summary>
    internal MetricStates Declare<TBatch>(Accumulation<TBatch> accumulation)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        accumulation.Declare(this);
        Kind = accumulation;
        return this;
    }

    // Squared and absolute errors have states of the same names and shapes: only what accumulates them tells them apart.
    internal bool IsLike(MetricStates other) =>
        Equals(Kind, other.Kind) && _states.Count == other._states.Count && _states.Zip(other._states).All(pair => pair.First.IsLike(pair.Second));

    /// <inheritdoc/>
    public IEnumerator<MetricState> GetEnumerator() => _states.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Frees the states.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var state in _states) state.Dispose();
    }
}
