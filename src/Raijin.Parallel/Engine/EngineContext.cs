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

    /// <summary>Makes the groups and exchanges that a strategy needs. All ranks call it.</summary>
    public static EngineContext Make(Strategy strategy, Group world, Device device)
    {
        var groups = new List<Group>();
        var control = Make(world, world.Size, "control");
        var (shards, replicas) = (world, (Group?)null);
        if (strategy.ShardSize > 0 && strategy.ShardSize != world.Size)
        {
            shards = Make(world, strategy.ShardSize, "shards");
            replicas = MakeAcross(world, strategy.ShardSize, "replicas");
        }
        var near = strategy.SecondaryShardSize;
        // Where each gather of backward is waited for behind the reductions before it, all ranks begin the next reduction at one place. Else each begins it at its own time, and it must not stand in the order of the gathers.
        var isOrdered = strategy.Stage < 3 || (strategy.UnitsAhead(device) == 0 && near == 0 && replicas is null);
        var reducing = isOrdered ? shards : Make(shards, shards.Size, "gradients");
        GradientExchange gradients = strategy.GradientCodec switch
        {
            GradientCodec.Int4 when near > 0 && near < shards.Size =>
                new CodedGradientExchange(reducing, new BlockCodec(4), Make(shards, near, "gradients within nodes"), MakeAcross(shards, near, "gradients across nodes")),
            GradientCodec.Int4 => new CodedGradientExchange(reducing, new BlockCodec(4)),
            GradientCodec.OneBit => new CodedGradientExchange(reducing, new OneBitCodec()),
            _ => new PlainGradientExchange(reducing, strategy.GradientWire),
        };
        WeightExchange gathered = strategy.WeightCodec == WeightCodec.Int8 ? new CodedWeightExchange(shards, new BlockCodec(8)) : new PlainWeightExchange(shards);
        var secondary = near > 0 ? new PlainWeightExchange(Make(shards, near, "node")) : null;
        return new(strategy, world, shards, replicas, control, groups, new NodeMap(world, Math.Max(1, near)), gradients, new PlainWeightExchange(shards), gathered, secondary, device, new Ledger());

        // Neighbours, so many each.
        Group Make(Group of, int size, string name) => Keep(of.Split([.. Enumerable.Range(of.Rank / size * size, size)], name));

        // The ranks in the same place among their neighbours.
        Group MakeAcross(Group of, int size, string name) => Keep(of.Split([.. Enumerable.Range(0, of.Size / size).Select(i => (i * size) + (of.Rank % size))], name));

        Group Keep(Group group)
        {
            groups.Add(group);
            return group;
        }
    }

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
