namespace Raijin;

/// <summary>
/// Which checkpoints stay: the best few, the newest few, and one named <see cref="AlwaysKept"/>. The newest always stays, whatever its rank: it is where
/// a run goes on from.
/// </summary>
/// <param name="Rank">The metric that says which are best; null when none is.</param>
/// <param name="KeepBest">How many of the best stay, 0 or more. Equal values: the later one is the better. One without the metric, or with NaN, is never among them.</param>
/// <param name="KeepLast">How many of the newest stay, 1 or more.</param>
public sealed record Retention(Best? Rank, int KeepBest, int KeepLast)
{
    /// <summary>The name of a checkpoint that is never removed.</summary>
    public const string AlwaysKept = "last";

    /// <summary>How many of the best stay.</summary>
    public int KeepBest { get; init; } = KeepBest >= 0 ? KeepBest : throw new ArgumentOutOfRangeException(nameof(KeepBest), KeepBest, "0 or more");

    /// <summary>How many of the newest stay.</summary>
    public int KeepLast { get; init; } = KeepLast >= 1 ? KeepLast : throw new ArgumentOutOfRangeException(nameof(KeepLast), KeepLast, "1 or more: the newest is where a run goes on from");

    /// <summary>Those that stay, in the order given.</summary>
    /// <param name="checkpoints">All there are, in any order.</param>
    public IReadOnlyList<CheckpointInfo> Select(IReadOnlyList<CheckpointInfo> checkpoints)
    {
        ArgumentNullException.ThrowIfNull(checkpoints);
        var newestFirst = checkpoints.OrderByDescending(c => c.Sequence).ThenByDescending(c => c.Step).ThenByDescending(c => c.Name, StringComparer.Ordinal).ToArray();
        var kept = newestFirst.Take(KeepLast).Concat(checkpoints.Where(c => c.Name == AlwaysKept)).ToHashSet();
        if (Rank is { } rank)
        {
            // A stable sort of the newest first: among equals the later one leads.
            var ranked = newestFirst.Where(c => c.Metrics.TryGetValue(rank.Metric, out var value) && !double.IsNaN(value));
            var best = rank.HigherIsBetter ? ranked.OrderByDescending(c => c.Metrics[rank.Metric]) : ranked.OrderBy(c => c.Metrics[rank.Metric]);
            kept.UnionWith(best.Take(KeepBest));
        }

        return [.. checkpoints.Where(kept.Contains)];
    }
}
