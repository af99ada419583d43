using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>How the values of several ranks become one.</summary>
public enum ReduceOp : byte
{
    /// <summary>Σ over ranks, in the order of the ranks.</summary>
    Sum,

    /// <summary>Σ over ranks, times 1 / size. Floating types only.</summary>
    Mean,

    /// <summary>The smallest; NaN when any is.</summary>
    Min,

    /// <summary>The largest; NaN when any is.</summary>
    Max,

    /// <summary>Π over ranks, in the order of the ranks.</summary>
    Product,
}

/// <summary>What ranks do together.</summary>
public enum CollectiveKind : byte
{
    /// <summary>Every rank ends with the reduction of all.</summary>
    AllReduce,

    /// <summary>Rank r ends with the r-th part of the reduction.</summary>
    ReduceScatter,

    /// <summary>Every rank ends with the parts of all, in the order of the ranks.</summary>
    AllGather,

    /// <summary>Every rank ends with what the root has.</summary>
    Broadcast,

    /// <summary>The root ends with the reduction of all.</summary>
    Reduce,

    /// <summary>The root ends with the parts of all.</summary>
    Gather,

    /// <summary>Rank r ends with the r-th part of what the root has.</summary>
    Scatter,

    /// <summary>Rank r ends with the r-th part of what every rank has.</summary>
    AllToAll,

    /// <summary>To one rank.</summary>
    Send,

    /// <summary>From one rank.</summary>
    Receive,

    /// <summary>Nobody goes on before all have come.</summary>
    Barrier,
}

/// <summary>
/// One call of one rank, checked, as a transport is told of it. Tensors are flat (one dimension, contiguous) and borrowed until the call is done.
/// </summary>
/// <param name="Kind">What is done.</param>
/// <param name="Sequence">The call's number in its group, from 0: the same on every rank. Sends and receives are counted for each pair of ranks and direction.</param>
/// <param name="Input">What this rank gives; null where it gives nothing.</param>
/// <param name="Output">Where this rank's result goes; null where it gets none. The same tensor as <paramref name="Input"/> where the call works in place.</param>
/// <param name="Op">How values are reduced.</param>
/// <param name="Peer">The root, the destination or the source, as a rank of the group; -1 where there is none.</param>
/// <param name="InputCounts">Elements of <paramref name="Input"/> by destination, for the kinds that divide it; null where it is not divided or the parts are even.</param>
/// <param name="OutputCounts">Elements of <paramref name="Output"/> by source, for the kinds that compose it; null where it is not composed or the parts are even.</param>
/// <param name="Wire">The type in which values cross between ranks; null for the tensors' own. Reductions accumulate in float32 then, and only what crosses is rounded.</param>
public readonly record struct Collective(
    CollectiveKind Kind,
    long Sequence,
    Tensor? Input,
    Tensor? Output,
    ReduceOp Op = ReduceOp.Sum,
    int Peer = -1,
    IReadOnlyList<long>? InputCounts = null,
    IReadOnlyList<long>? OutputCounts = null,
    ScalarType? Wire = null);
