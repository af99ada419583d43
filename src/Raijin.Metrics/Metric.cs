// Contract of a metric: declared states, each with a declared reduction, so that merging (two halves of an epoch, many ranks) is the
// same arithmetic whoever does it. Update never reads a value back to the host; Compute is the only place that does.

using System.Diagnostics.CodeAnalysis;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Accumulates over batches and gives one result: <c>Update</c> many times, <c>Compute</c> once, <c>Reset</c>.</summary>
public abstract class Metric : IDisposable
{
    readonly List<MetricState> _states = [];
    bool _disposed;

    /// <summary>The declared states, in the order of declaration.</summary>
    public IReadOnlyList<MetricState> States => _states;

    /// <summary>How often <c>Update</c> was called since the last reset. Zero means there is nothing to compute.</summary>
    public long Updates { get; private set; }

    /// <summary>Declares a state. Call it from the constructor.</summary>
    /// <param name="name">Its name among this metric's states: part of the checkpoint's key.</param>
    /// <param name="reduction">How two values of it become one.</param>
    /// <param name="initial">Its value after <see cref="Reset"/>: scalar, of the dtype the state is kept in. Taken over by the metric.</param>
    protected MetricState AddState(string name, Reduction reduction, Tensor initial)
    {
        if (_states.Any(s => s.Name == name)) throw new ArgumentException($"The state {name} was declared twice.", nameof(name));
        var state = new MetricState(name, reduction, initial);
        _states.Add(state);
        return state;
    }

    /// <summary>Counts an update and moves the states to the device of what comes in. Call it first in <c>Update</c>.</summary>
    protected void BeginUpdate(Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var state in _states) state.MoveTo(device);
        Updates++;
    }

    /// <summary>Puts every state back to its initial value.</summary>
    public virtual void Reset()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var state in _states) state.Reset();
        Updates = 0;
    }

    /// <summary>Folds in what another metric of the same kind has accumulated. The other is left as it is.</summary>
    /// <exception cref="ArgumentException">The other declares other states.</exception>
    public void Merge(Metric other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (!_states.Select(s => (s.Name, s.Reduction)).SequenceEqual(other._states.Select(s => (s.Name, s.Reduction))))
            throw new ArgumentException($"{GetType().Name} can't be merged with {other.GetType().Name}: their declared states differ.", nameof(other));
        for (var i = 0; i < _states.Count; i++) _states[i].Merge(other._states[i].Value, (double)Updates, (double)other.Updates);
        Updates += other.Updates;
    }

    /// <summary>Takes over a saved state: tensors by state name, and the number of updates they hold.</summary>
    /// <exception cref="ShapeMismatchException">A tensor is missing or has another shape or dtype than its state.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> saved, long updates)
    {
        ArgumentNullException.ThrowIfNull(saved);
        ArgumentOutOfRangeException.ThrowIfNegative(updates);
        foreach (var state in _states)
        {
            if (!saved.TryGetValue(state.Name, out var value))
                ShapeMismatchException.Throw(state.Name, "a saved value", "missing");
            state.Load(value);
        }
        Updates = updates;
    }

    /// <summary>The result as one number where it is one, for logs and monitors.</summary>
    public abstract double ComputeScalar();

    /// <summary>Refuses to compute from nothing.</summary>
    protected void ThrowIfEmpty()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Updates == 0) ThrowEmpty();
    }

    [DoesNotReturn]
    void ThrowEmpty() => throw new InvalidOperationException($"{GetType().Name}.Compute was called before any Update: there is nothing to compute.");

    /// <summary>Frees the states.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var state in _states) state.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>A metric with a typed result.</summary>
/// <typeparam name="TResult">A number, or a record where there are several.</typeparam>
public abstract class Metric<TResult> : Metric
{
    /// <summary>The result over everything since the last reset. Reads the states back to the host.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public abstract TResult Compute();
}
