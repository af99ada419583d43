using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>How the gradients that ranks have of a bucket become their mean: whole on each rank, or each rank's slice of it.</summary>
/// <remarks>
/// All ranks make the same calls in the same order. What an exchange keeps of a bucket from step to step (the errors of a codec) it keeps under the bucket's name;
/// it belongs to the training state (<see cref="SaveTensors"/>).
/// </remarks>
abstract class GradientExchange : IDisposable
{
    /// <summary>The ranks whose gradients are averaged.</summary>
    public abstract Group Group { get; }

    /// <summary>Begins: rank r ends with the r-th part of the mean.</summary>
    /// <param name="bucket">What the gradients are called: the same on every rank and at every step.</param>
    /// <param name="gradients">[size × n], fp32, bf16 or fp16. Its values are undefined afterwards.</param>
    /// <param name="slice">[n] of the same type. It may be the r-th part of <paramref name="gradients"/>.</param>
    public abstract PendingExchange ReduceScatter(string bucket, Tensor gradients, Tensor slice);

    /// <summary>Begins: every rank ends with the mean, in place.</summary>
    /// <param name="bucket">As for <see cref="ReduceScatter"/>.</param>
    /// <param name="gradients">[size × n].</param>
    public abstract PendingExchange AllReduce(string bucket, Tensor gradients);

    /// <summary>The calls that <see cref="ReduceScatter"/> makes for gradients of that size.</summary>
    public abstract IReadOnlyList<ExchangeCall> CallsToReduceScatter(Tensor gradients);

    /// <summary>The calls that <see cref="AllReduce"/> makes for gradients of that size.</summary>
    public abstract IReadOnlyList<ExchangeCall> CallsToAllReduce(Tensor gradients);

    /// <summary>Goes on with what is under way, without waiting.</summary>
    public virtual void Progress() => Group.Progress();

    /// <summary>What this rank keeps from step to step, by bucket: live tensors, borrowed. Empty where nothing is kept.</summary>
    public virtual IReadOnlyList<(string Key, Tensor Tensor)> SaveTensors() => [];

    /// <summary>Takes over what <see cref="SaveTensors"/> gave on this rank; a bucket that is not among them starts anew.</summary>
    /// <param name="tensors">Borrowed; values are copied.</param>
    public virtual void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        if (tensors.Count > 0)
            throw new ArgumentException($"The saved state holds what a gradient codec kept ({tensors.Keys.First()} …), but gradients cross uncoded here: give the strategy the codec that it was saved with.", nameof(tensors));
    }

    /// <summary>Multiplies what is kept: gradients that carry a loss scale leave errors that carry it too, and a new scale must find them in its own measure.</summary>
    /// <param name="factor">New loss scale / old one.</param>
    public virtual void Rescale(double factor)
    {
    }

    /// <summary>Frees what is kept.</summary>
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

/// <summary>Gradients cross as they are, or rounded to a type of half the size.</summary>
/// <param name="group">The ranks whose gradients are averaged.</param>
/// <param name="wire">The type in which they cross; null for their own.</param>
sealed class PlainGradientExchange(Group group, ScalarType? wire = null) : GradientExchange
{
    /// <inheritdoc/>
    public override Group Group => group;

    /// <inheritdoc/>
    public override PendingExchange ReduceScatter(string bucket, Tensor gradients, Tensor slice) =>
        PendingExchange.Of(group.ReduceScatterAsync(gradients, slice, ReduceOp.Mean, WireFor(gradients)));

    /// <inheritdoc/>
    public override PendingExchange AllReduce(string bucket, Tensor gradients) =>
        PendingExchange.Of(group.AllReduceAsync(gradients, ReduceOp.Mean, WireFor(gradients)));

    /// <inheritdoc/>
    public override IReadOnlyList<ExchangeCall> CallsToReduceScatter(Tensor gradients) => [new(group, CollectiveKind.ReduceScatter, BytesOf(gradients))];

    /// <inheritdoc/>
    public override IReadOnlyList<ExchangeCall> CallsToAllReduce(Tensor gradients) => [new(group, CollectiveKind.AllReduce, BytesOf(gradients))];

    long BytesOf(Tensor gradients) => gradients.NumberOfElements * (wire is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : gradients.ElementSize);

    ScalarType? WireFor(Tensor gradients) => wire == gradients.dtype ? null : wire;
}
