// Contract of a metric: declared states, each with a declared reduction, so that merging (two halves of an epoch, many ranks) is the
// same arithmetic whoever does it. Update never reads a value back to the host; Compute is the only place that does.

using System.Diagnostics.CodeAnalysis;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Accumulates over batches and gives one result: <c>Update</c> many times, <c>Compute</c> once, <c>Reset</c>.</summary>
/// <remarks>
/// Raijin's own derive from <see cref="Metric{TBatch, TResult}"/>. A metric of your own may do so too, or derive from
/// <see cref="Metric{TResult}"/>, declare its states with <see cref="AddState"/> and have whatever <c>Update</c> it likes.
/// </remarks>
public abstract partial class Metric : IDisposable
{
    bool _borrowsStates;
    bool _joined;
    bool _disposed;

    /// <summary>The declared states; of a metric made of others (a collection, a wrapper) only its own, see <see cref="Parts"/>.</summary>
    public MetricStates States { get; private set; } = new();

    /// <summary>How many updates came in since the last reset. Zero means there is nothing to compute.</summary>
    public virtual long Updates => States.Updates;

    /// <summary>Whether a larger result is the better one; null where neither is.</summary>
    public virtual bool? HigherIsBetter => null;

    /// <summary>Whether a larger value of one of its numbers is the better one; null where neither is.</summary>
    /// <param name="number">The number's name in <see cref="ComputeScalars"/>.</param>
    public virtual bool? HigherIsBetterOf(string number) => HigherIsBetter;

    /// <summary>All states, those of the metrics this one is made of included, each set under its path: what is merged, saved and synchronized.</summary>
    public virtual IEnumerable<MetricPart> Parts() => [new("", States)];

    /// <summary>The metrics whose states its numbers come from: itself, or those it only computes with.</summary>
    public virtual IEnumerable<Metric> Sources() => [this];

    /// <summary>
    /// Has values that can't be counted reported by the update that meets them instead of by Compute. For debugging: on a device every update then waits for it.
    /// </summary>
    public void CheckAtOnce()
    {
        foreach (var part in Parts())
            if (part.States.Faults is { } faults) faults.AtOnce = true;
    }

    /// <summary>Declares a state. Call it from the constructor.</summary>
    /// <inheritdoc cref="MetricStates.Add"/>
    protected MetricState AddState(string name, Reduction reduction, Tensor initial, Func<Tensor, Tensor, Tensor>? combine = null) =>
        States.Add(name, reduction, initial, combine);

    /// <summary>Counts an update and moves the states to the device of what comes in. Call it first in an <c>Update</c> of your own.</summary>
    protected void BeginUpdate(Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        States.Begin(device);
    }

    /// <summary>Puts every state back to its initial value.</summary>
    public virtual void Reset()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var part in Parts()) part.States.Reset();
    }

    /// <summary>Folds in what another metric of the same kind has accumulated. The other is left as it is.</summary>
    /// <exception cref="ArgumentException">The other declares other states, or accumulates otherwise.</exception>
    public void Merge(Metric other)
    {
        ArgumentNullException.ThrowIfNull(other);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ObjectDisposedException.ThrowIf(other._disposed, other);
        var (mine, theirs) = (Parts().ToList(), other.Parts().ToList());
        if (!mine.Select(p => p.Path).SequenceEqual(theirs.Select(p => p.Path)) || !mine.Zip(theirs).All(p => p.First.States.IsLike(p.Second.States)))
            throw new ArgumentException(
                $"{GetType().Name} can't be merged with {other.GetType().Name}: their states, or the options these depend on, differ ({string.Join("; ", mine.Select(p => p.States.Kind))} and {string.Join("; ", theirs.Select(p => p.States.Kind))}).",
                nameof(other));
        foreach (var (part, from) in mine.Zip(theirs)) part.States.Merge(from.States);
    }

    /// <summary>
    /// Lets this metric hold what all ranks have accumulated, until the result is disposed: <c>using (metric.Synchronize(ranks)) metric.Compute();</c>.
    /// One all-reduce for the whole metric or collection, however many states it has, and one gather where states concatenate.
    /// </summary>
    /// <param name="ranks">The collectives; every rank calls this with the same metrics.</param>
    /// <param name="cancellation">Stops waiting for the others.</param>
    /// <exception cref="InvalidOperationException">Another rank's metrics declare other states.</exception>
    public SynchronizedStates Synchronize(StateTransport ranks, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new SynchronizedStates(this, ranks, cancellation);
    }

    /// <summary>The result as one number, for logs and monitors; of several, the one its documentation names.</summary>
    public abstract double ComputeScalar();

    /// <summary>Every number of the result under its name; the name of an only number is empty.</summary>
    public virtual IReadOnlyList<KeyValuePair<string, double>> ComputeScalars() => [new("", ComputeScalar())];

    /// <summary>Refuses to compute from nothing, or from values that could not be counted.</summary>
    protected void ThrowIfEmpty()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Updates == 0) ThrowEmpty();
        States.Faults?.ThrowIfAny();
    }

    /// <summary>What the states depend on, compared by value; null where nobody else has the same.</summary>
    internal virtual object? SharingKey => null;

    /// <summary>The states that others of the same <see cref="SharingKey"/> may share.</summary>
    internal virtual MetricStates SharedStates => States;

    /// <summary>From now on a collection or a wrapper updates this metric.</summary>
    internal void Hold()
    {
        ThrowIfJoined();
        if (Updates > 0) throw new InvalidOperationException($"{GetType().Name} holds {Updates} updates already: put it into a collection or a wrapper before its first update, or reset it.");
        _joined = true;
    }

    /// <summary>Gives up its states, which are empty, for those of another member.</summary>
    /// <param name="shared">States of the same <see cref="SharingKey"/>; borrowed.</param>
    internal virtual void Adopt(MetricStates shared)
    {
        States.Dispose();
        States = shared;
        _borrowsStates = true;
    }

    /// <summary>Asks this metric something about other states, declared as its own are.</summary>
    internal T On<T>(MetricStates states, Func<T> question)
    {
        var own = States;
        States = states;
        try
        {
            return question();
        }
        finally
        {
            States = own;
        }
    }

    private protected void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private protected void ThrowIfJoined()
    {
        if (_joined) throw new InvalidOperationException($"This {GetType().Name} is in a collection or a wrapper: update the collection or the wrapper, which updates it with the others.");
    }

    [DoesNotReturn]
    void ThrowEmpty() => throw new InvalidOperationException($"{GetType().Name}.Compute was called before any Update: there is nothing to compute.");

    /// <summary>Frees the states.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        DisposeParts();
        if (!_borrowsStates) States.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the metrics this one is made of.</summary>
    protected virtual void DisposeParts()
    {
    }
}

/// <summary>One set of states of a metric.</summary>
/// <param name="Path">Where it stands in the metric: empty for its own, else the name of the metric that holds it, and so on inwards.</param>
/// <param name="States">The states.</param>
public readonly record struct MetricPart(string Path, MetricStates States);

/// <summary>A metric with a typed result.</summary>
/// <typeparam name="TResult">A number, or a record where there are several.</typeparam>
public abstract class Metric<TResult> : Metric
{
    /// <summary>The result over everything since the last reset. Reads the states back to the host.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    /// <exception cref="MetricInputException">Values came in that can't be counted.</exception>
    public abstract TResult Compute();
}

/// <summary>A metric fed with batches of one kind.</summary>
/// <typeparam name="TBatch">What one update is given.</typeparam>
/// <typeparam name="TResult">A number, or a record where there are several.</typeparam>
public abstract class Metric<TBatch, TResult> : Metric<TResult>, IUpdate<TBatch>, IMember<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    /// <summary>A metric of what <paramref name="accumulation"/> gathers.</summary>
    protected Metric(Accumulation<TBatch> accumulation)
    {
        ArgumentNullException.ThrowIfNull(accumulation);
        Accumulation = accumulation;
        States.Declare(accumulation);
    }

    /// <summary>How batches become states. Metrics with equal accumulations share their states in a <see cref="MetricCollection{TBatch}"/>.</summary>
    public Accumulation<TBatch> Accumulation { get; }

    internal sealed override object SharingKey => Accumulation;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The metric is in a collection, which updates it.</exception>
    public void Update(in TBatch batch)
    {
        ThrowIfJoined();
        Accumulation.Update(States, in batch);
    }

    void IMember<TBatch>.Update(in TBatch batch) => Accumulation.Update(States, in batch);

    /// <inheritdoc/>
    public sealed override TResult Compute()
    {
        ThrowIfEmpty();
        return ComputeOn(States);
    }

    /// <summary>The result of this batch alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <exception cref="MetricInputException">The batch holds values that can't be counted.</exception>
    public TResult Of(in TBatch batch)
    {
        using var states = new MetricStates().Declare(Accumulation);
        Accumulation.Update(states, in batch);
        states.Faults?.ThrowIfAny();
        return ComputeOn(states);
    }

    /// <summary>The result of what the states hold. Runs without gradients, in a scope of its own.</summary>
    protected abstract TResult Compute(MetricStates states);

    TResult ComputeOn(MetricStates states)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return Compute(states);
    }
}

/// <summary>A metric fed with batches of one kind, whose result is one number.</summary>
public abstract class ScalarMetric<TBatch> : Metric<TBatch, double>
    where TBatch : struct, IMetricBatch<TBatch>
{
    /// <inheritdoc/>
    protected ScalarMetric(Accumulation<TBatch> accumulation)
        : base(accumulation)
    {
    }

    /// <inheritdoc/>
    public sealed override double ComputeScalar() => Compute();
}
