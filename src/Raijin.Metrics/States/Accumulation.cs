// How batches become states, as a record of options: two metrics whose accumulations are equal need the same states, so that a collection
// shares them by construction. Whether two metrics may share is never found out by comparing what they have accumulated.

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How batches become states. Sealed records derive from it; their properties are everything the states depend on.</summary>
/// <typeparam name="TBatch">What one update is given.</typeparam>
public abstract record Accumulation<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    /// <summary>Declares the states, always in the same order.</summary>
    public abstract void Declare(MetricStates states);

    /// <summary>Refuses a batch by its shapes and dtypes, which are known without waiting for a device. Allocates nothing when it passes.</summary>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the one expected.</exception>
    public abstract void Check(in TBatch batch);

    /// <summary>Adds a batch whose tensors lie on the host, without an op or an allocation; false where they don't, or where there is no such kernel.</summary>
    protected internal virtual bool TryAddOnHost(MetricStates states, in TBatch batch) => false;

    /// <summary>Adds a batch with tensor ops, on any device, reading nothing back. Runs without gradients, in a scope of its own.</summary>
    protected internal abstract void Add(MetricStates states, in TBatch batch);

    internal void Update(MetricStates states, in TBatch batch)
    {
        Check(in batch);
        states.Begin(batch.Anchor);
        if (TryAddOnHost(states, in batch)) return;
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        Add(states, in batch);
    }
}

/// <summary>An accumulation that is the host's alone: of texts, or of structures that tensors don't hold.</summary>
public abstract record HostAccumulation<TBatch> : Accumulation<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    /// <summary>Adds a batch.</summary>
    protected abstract void AddOnHost(MetricStates states, in TBatch batch);

    /// <inheritdoc/>
    protected internal sealed override bool TryAddOnHost(MetricStates states, in TBatch batch)
    {
        AddOnHost(states, in batch);
        return true;
    }

    /// <inheritdoc/>
    protected internal sealed override void Add(MetricStates states, in TBatch batch) => AddOnHost(states, in batch);
}
