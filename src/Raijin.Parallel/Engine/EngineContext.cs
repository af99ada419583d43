using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>What all parts of one engine share: who divides what with whom, and the books.</summary>
/// <param name="Strategy">What is divided, and how.</param>
/// <param name="World">All ranks that train the model.</param>
/// <param name="ShardGroup">Those that divide the state among them.</param>
/// <param name="ReplicaGroup">Those that hold the same part of it as this rank; null where each part is held once.</param>
/// <param name="Control">All ranks again, for the small exchanges that must not stand in the order of the large ones.</param>
/// <param name="Groups">The groups that were made for the engine, to be left with it.</param>
/// <param name="Nodes">Which ranks share a node.</param>
/// <param name="Gradients">How gradients cross within the shard group.</param>
/// <param name="Weights">How updated weights cross within the shard group.</param>
/// <param name="GatheredWeights">How weights cross that are gathered to be computed with, and let go.</param>
/// <param name="SecondaryWeights">How they cross within a node once they were gathered; null where no second shard of them is kept.</param>
/// <param name="Device">Where the model computes.</param>
/// <param name="Ledger">The books.</param>
sealed record EngineContext(
    Strategy Strategy,
    Group World,
    Group ShardGroup,
    Group? ReplicaGroup,
    Group Control,
    IReadOnlyList<Group> Groups,
    NodeMap Nodes,
    GradientExchange Gradients,
    WeightExchange Weights,
    WeightExchange GatheredWeights,
    WeightExchange? SecondaryWeights,
    Device Device,
    Ledger Ledger) : IDisposable
{
    /// <summary>Where gathered parameters lie.</summary>
    public GatherPool Pool { get; } = new(Device, Ledger);

    /// <summary>Among how many ranks state is divided. In stage 0 nothing is, and the parts only order sums.</summary>
    public int NumShards => ShardGroup.Size;

    /// <summary>Whether parameters are divided.</summary>
    public bool DividesParameters => Strategy.Stage == 3;

    /// <summary>Whether gradients are divided.</summary>
    public bool DividesGradients => Strategy.Stage >= 2;

    /// <summary>Whether each rank updates its own part only.</summary>
    public bool DividesUpdates => Strategy.Stage >= 1;

    /// <summary>Books a call.</summary>
    public void Post(BufferKind kind, in ExchangeCall call) => Ledger.Posted(kind, call.Kind, call.Bytes, Nodes.Leaving(call));

    public void Dispose()
    {
        Pool.Dispose();
        Gradients.Dispose();
        Weights.Dispose();
        GatheredWeights.Dispose();
        SecondaryWeights?.Dispose();
        foreach (var group in Groups) group.Dispose();
    }
}
