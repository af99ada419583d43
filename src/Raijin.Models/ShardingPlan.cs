namespace Raijin;

/// <summary>
/// How a model can be divided among ranks, as data: a model hands it out and knows of no rank itself.
/// </summary>
public sealed record ShardingPlan
{
    /// <summary>
    /// Names (as in <c>named_modules()</c>) of the submodules whose parameters are gathered together, computed with and let go: the blocks of a transformer. In the order of the forward pass. What is in none of them is a unit of its own.
    /// </summary>
    public IReadOnlyList<string> Units { get; init; } = [];
}

/// <summary>A model that says how it can be divided.</summary>
public interface IShardable
{
    /// <summary>How it can be divided among ranks.</summary>
    ShardingPlan ShardingPlan { get; }
}
