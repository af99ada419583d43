using System.Text.Json.Nodes;

namespace Raijin;

/// <summary>What a rank gives to a checkpoint that all write together.</summary>
public sealed class ShardedContent
{
    /// <summary>The runs of logical tensors that this rank holds. What several ranks hold is written once; what nobody holds is an error.</summary>
    public required IEnumerable<LogicalSlice> Slices { get; init; }

    /// <summary>Plain data of the whole run, kept in <c>state.json</c>: rank 0's counts, and it must not hold <c>ranks</c>.</summary>
    public JsonObject State { get; init; } = [];

    /// <summary>Plain data of this rank alone (its random state, its loader's place), kept as <c>ranks[r]</c> of <c>state.json</c>; null where it has none.</summary>
    public JsonObject? RankState { get; init; }
}
