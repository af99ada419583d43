using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>How the slices that ranks hold of a unit's weights become the whole on each of them.</summary>
/// <remarks>All ranks make the same calls in the same order. Nothing is kept from call to call but memory.</remarks>
abstract class WeightExchange : IDisposable
{
    /// <summary>The ranks that hold the slices.</summary>
    public abstract Group Group { get; }

    /// <summary>Begins: every rank ends with the slices of all, in the order of the ranks.</summary>
    /// <param name="slice">[n] of this rank, fp32, bf16 or fp16. It may be the r-th part of <paramref name="full"/>.</param>
    /// <param name="full">[size × n] of the same type.</param>
    public abstract PendingExchange AllGather(Tensor slice, Tensor full);

    /// <summary>Bytes that cross for a whole of that size, in the terms of <see cref="TrafficCount"/>.</summary>
    public virtual long BytesOf(Tensor full)
    {
        ArgumentNullException.ThrowIfNull(full);
        return full.NumberOfElements * full.ElementSize;
    }

    /// <summary>Frees its memory.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>Weights cross as they are.</summary>
/// <param name="group">The ranks that hold the slices.</param>
sealed class PlainWeightExchange(Group group) : WeightExchange
{
    /// <inheritdoc/>
    public override Group Group => group;

    /// <inheritdoc/>
    public override PendingExchange AllGather(Tensor slice, Tensor full) => PendingExchange.Of(group.AllGatherAsync(slice, full));
}
