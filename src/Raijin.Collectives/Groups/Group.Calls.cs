using static TorchSharp.torch;

namespace Raijin.Collectives;

public sealed partial class Group
{
    /// <summary>Every rank ends with the reduction of all, in place.</summary>
    /// <param name="buffer">[n] on every rank.</param>
    /// <param name="op">How values are reduced.</param>
    /// <param name="wire">The type in which values cross; null for the buffer's own. <c>BFloat16</c> halves the bytes of a float32 buffer: sums are taken in float32 and rounded once.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    /// <exception cref="CollectiveException">It failed, here or on another rank.</exception>
    public void AllReduce(Tensor buffer, ReduceOp op = ReduceOp.Sum, ScalarType? wire = null, CancellationToken cancellationToken = default) =>
        Complete(AllReduceAsync(buffer, op, wire), cancellationToken);

    /// <inheritdoc cref="AllReduce"/>
    public Work AllReduceAsync(Tensor buffer, ReduceOp op = ReduceOp.Sum, ScalarType? wire = null)
    {
        var bytes = CheckFlat(buffer, nameof(buffer), ref wire);
        CheckOp(buffer, nameof(buffer), op);
        return Begin(new(CollectiveKind.AllReduce, 0, buffer, buffer, op, Wire: wire), bytes);
    }

    /// <summary>Rank r ends with the r-th part of the reduction.</summary>
    /// <param name="input">[size × n], n for each rank, or divided by <paramref name="counts"/>. Its values are undefined afterwards.</param>
    /// <param name="output">[n] of this rank. It may be the r-th part of <paramref name="input"/>.</param>
    /// <param name="op">How values are reduced.</param>
    /// <param name="wire">As for <see cref="AllReduce"/>.</param>
    /// <param name="counts">How many elements each rank gets; null for even parts.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    public void ReduceScatter(Tensor input, Tensor output, ReduceOp op = ReduceOp.Sum, ScalarType? wire = null, IReadOnlyList<long>? counts = null, CancellationToken cancellationToken = default) =>
        Complete(ReduceScatterAsync(input, output, op, wire, counts), cancellationToken);

    /// <inheritdoc cref="ReduceScatter"/>
    public Work ReduceScatterAsync(Tensor input, Tensor output, ReduceOp op = ReduceOp.Sum, ScalarType? wire = null, IReadOnlyList<long>? counts = null)
    {
        var bytes = CheckFlat(input, nameof(input), ref wire);
        CheckFlat(output, nameof(output));
        CheckOp(input, nameof(input), op);
        CheckParts(input, output, nameof(input), nameof(output), counts);
        return Begin(new(CollectiveKind.ReduceScatter, 0, input, output, op, InputCounts: counts, Wire: wire), bytes);
    }

    /// <summary>Every rank ends with the parts of all, in the order of the ranks.</summary>
    /// <param name="input">[n] of this rank. It may be the r-th part of <paramref name="output"/>.</param>
    /// <param name="output">[size × n], or composed by <paramref name="counts"/>.</param>
    /// <param name="counts">How many elements each rank gives; null for even parts.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    public void AllGather(Tensor input, Tensor output, IReadOnlyList<long>? counts = null, CancellationToken cancellationToken = default) =>
        Complete(AllGatherAsync(input, output, counts), cancellationToken);

    /// <inheritdoc cref="AllGather"/>
    public Work AllGatherAsync(Tensor input, Tensor output, IReadOnlyList<long>? counts = null)
    {
        CheckFlat(input, nameof(input));
        var bytes = CheckFlat(output, nameof(output));
        CheckParts(output, input, nameof(output), nameof(input), counts);
        return Begin(new(CollectiveKind.AllGather, 0, input, output, OutputCounts: counts), bytes);
    }

    /// <summary>Every rank ends with what the root has, in place.</summary>
    public void Broadcast(Tensor buffer, int root, CancellationToken cancellationToken = default) => Complete(BroadcastAsync(buffer, root), cancellationToken);

    /// <inheritdoc cref="Broadcast"/>
    public Work BroadcastAsync(Tensor buffer, int root)
    {
        var bytes = CheckFlat(buffer, nameof(buffer));
        CheckPeer(root, nameof(root));
        return Begin(new(CollectiveKind.Broadcast, 0, buffer, buffer, Peer: root), bytes);
    }

    /// <summary>The root ends with the reduction of all, in place; on the others the buffer's values are undefined afterwards.</summary>
    public void Reduce(Tensor buffer, int root, ReduceOp op = ReduceOp.Sum, ScalarType? wire = null, CancellationToken cancellationToken = default) =>
        Complete(ReduceAsync(buffer, root, op, wire), cancellationToken);

    /// <inheritdoc cref="Reduce"/>
    public Work ReduceAsync(Tensor buffer, int root, ReduceOp op = ReduceOp.Sum, ScalarType? wire = null)
    {
        var bytes = CheckFlat(buffer, nameof(buffer), ref wire);
        CheckOp(buffer, nameof(buffer), op);
        CheckPeer(root, nameof(root));
        return Begin(new(CollectiveKind.Reduce, 0, buffer, buffer, op, root, Wire: wire), bytes);
    }

    /// <summary>The root ends with the parts of all, in the order of the ranks.</summary>
    /// <param name="input">[n] of this rank.</param>
    /// <param name="output">[size × n] on the root, or composed by <paramref name="counts"/>; null elsewhere.</param>
    /// <param name="root">Who gets them.</param>
    /// <param name="counts">How many elements each rank gives; null for even parts.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    public void Gather(Tensor input, Tensor? output, int root, IReadOnlyList<long>? counts = null, CancellationToken cancellationToken = default) =>
        Complete(GatherAsync(input, output, root, counts), cancellationToken);

    /// <inheritdoc cref="Gather"/>
    public Work GatherAsync(Tensor input, Tensor? output, int root, IReadOnlyList<long>? counts = null)
    {
        var bytes = CheckFlat(input, nameof(input));
        CheckPeer(root, nameof(root));
        CheckRootTensor(output, nameof(output), root);
        if (output is not null)
        {
            bytes = CheckFlat(output, nameof(output));
            CheckParts(output, input, nameof(output), nameof(input), counts);
        }
        return Begin(new(CollectiveKind.Gather, 0, input, output, Peer: root, OutputCounts: counts), bytes);
    }

    /// <summary>Rank r ends with the r-th part of what the root has.</summary>
    /// <param name="input">[size × n] on the root, or divided by <paramref name="counts"/>; null elsewhere.</param>
    /// <param name="output">[n] of this rank.</param>
    /// <param name="root">Who gives them.</param>
    /// <param name="counts">How many elements each rank gets; null for even parts.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    public void Scatter(Tensor? input, Tensor output, int root, IReadOnlyList<long>? counts = null, CancellationToken cancellationToken = default) =>
        Complete(ScatterAsync(input, output, root, counts), cancellationToken);

    /// <inheritdoc cref="Scatter"/>
    public Work ScatterAsync(Tensor? input, Tensor output, int root, IReadOnlyList<long>? counts = null)
    {
        var bytes = CheckFlat(output, nameof(output));
        CheckPeer(root, nameof(root));
        CheckRootTensor(input, nameof(input), root);
        if (input is not null)
        {
            bytes = CheckFlat(input, nameof(input));
            CheckParts(input, output, nameof(input), nameof(output), counts);
        }
        return Begin(new(CollectiveKind.Scatter, 0, input, output, Peer: root, InputCounts: counts), bytes);
    }

    /// <summary>Rank r ends with the r-th part of what every rank has.</summary>
    /// <param name="input">[size × n], n for each rank, or divided by <paramref name="inputCounts"/>.</param>
    /// <param name="output">[size × n], n from each rank, or composed by <paramref name="outputCounts"/>. Not the input.</param>
    /// <param name="inputCounts">How many elements go to each rank; null for even parts.</param>
    /// <param name="outputCounts">How many elements come from each rank: what they say in their <paramref name="inputCounts"/> for this rank; null for even parts.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    public void AllToAll(Tensor input, Tensor output, IReadOnlyList<long>? inputCounts = null, IReadOnlyList<long>? outputCounts = null, CancellationToken cancellationToken = default) =>
        Complete(AllToAllAsync(input, output, inputCounts, outputCounts), cancellationToken);

    /// <inheritdoc cref="AllToAll"/>
    public Work AllToAllAsync(Tensor input, Tensor output, IReadOnlyList<long>? inputCounts = null, IReadOnlyList<long>? outputCounts = null)
    {
        var bytes = CheckFlat(input, nameof(input));
        CheckFlat(output, nameof(output));
        CheckExchange(input, output, inputCounts, outputCounts);
        return Begin(new(CollectiveKind.AllToAll, 0, input, output, InputCounts: inputCounts, OutputCounts: outputCounts), bytes);
    }

    /// <summary>Sends to one rank, which receives a tensor of the same size and type. Between a pair of ranks messages keep their order.</summary>
    public void Send(Tensor buffer, int destination, CancellationToken cancellationToken = default) => Complete(SendAsync(buffer, destination), cancellationToken);

    /// <inheritdoc cref="Send"/>
    public Work SendAsync(Tensor buffer, int destination)
    {
        var bytes = CheckFlat(buffer, nameof(buffer));
        CheckPartner(destination, nameof(destination));
        return Begin(new(CollectiveKind.Send, 0, buffer, null, Peer: destination), bytes);
    }

    /// <summary>Receives from one rank.</summary>
    public void Receive(Tensor buffer, int source, CancellationToken cancellationToken = default) => Complete(ReceiveAsync(buffer, source), cancellationToken);

    /// <inheritdoc cref="Receive"/>
    public Work ReceiveAsync(Tensor buffer, int source)
    {
        var bytes = CheckFlat(buffer, nameof(buffer));
        CheckPartner(source, nameof(source));
        return Begin(new(CollectiveKind.Receive, 0, null, buffer, Peer: source), bytes);
    }

    /// <summary>Nobody goes on before all have come.</summary>
    public void Barrier(CancellationToken cancellationToken = default) => Complete(BarrierAsync(), cancellationToken);

    /// <inheritdoc cref="Barrier"/>
    public Work BarrierAsync() => Begin(new(CollectiveKind.Barrier, 0, null, null), 0);
}
