using Raijin.Collectives;

namespace Raijin.Parallel;

/// <summary>One call of ranks among each other, in the terms of <see cref="TrafficCount"/>.</summary>
/// <param name="Group">Who calls.</param>
/// <param name="Kind">What they do together.</param>
/// <param name="Bytes">Of the whole tensor.</param>
readonly record struct ExchangeCall(Group Group, CollectiveKind Kind, long Bytes);

/// <summary>Which ranks share a node, and so what of a call leaves it. Those of a node are neighbours, as launchers number them.</summary>
/// <param name="world">All ranks.</param>
/// <param name="size">How many ranks a node has; 1 where nobody says which of them share one.</param>
sealed class NodeMap(Group world, int size)
{
    readonly Dictionary<int, int> _nodes = world.GlobalRanks.Index().ToDictionary(r => r.Item, r => r.Index / size);
    readonly Dictionary<Group, int> _here = [];

    /// <summary>Bytes that leave this rank's node for a call that all ranks of the world make, in groups like this one: <see cref="Leaving(CollectiveKind, long, int, int, int)"/>.</summary>
    public long Leaving(in ExchangeCall call) => Leaving(call.Kind, call.Bytes, call.Group.Size, Here(call.Group), size);

    /// <summary>
    /// Bytes that leave a node, less the factor (H - 1)/H of H nodes, where the ranks of a group stand in rings: a ring crosses a node's border once, whatever number of its ranks lie there; an all-to-all has something for
    /// every rank from every rank.
    /// </summary>
    /// <param name="kind">What they do; an all-reduce is counted as a reduce-scatter, half of what it moves.</param>
    /// <param name="bytes">Of the whole tensor.</param>
    /// <param name="groupSize">Members of a group.</param>
    /// <param name="here">How many of them lie on one node.</param>
    /// <param name="nodeSize">How many ranks do: there are so many groups beside each other that all of them are in one.</param>
    public static long Leaving(CollectiveKind kind, long bytes, int groupSize, int here, int nodeSize) =>
        here == groupSize ? 0 : bytes * (kind == CollectiveKind.AllToAll ? nodeSize : nodeSize / here);

    int Here(Group group)
    {
        if (_here.TryGetValue(group, out var count)) return count;
        count = group.GlobalRanks.Count(r => _nodes[r] == _nodes[world.GlobalRanks[world.Rank]]);
        _here.Add(group, count);
        return count;
    }
}
