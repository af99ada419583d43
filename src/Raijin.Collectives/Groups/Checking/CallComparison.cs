namespace Raijin.Collectives;

/// <summary>Whether the calls of all ranks fit together.</summary>
static class CallComparison
{
    /// <summary>The first reason why they do not; null when they do.</summary>
    /// <param name="rows">The call of each rank, in the order of the ranks.</param>
    public static string? Difference(IReadOnlyList<CallRow> rows)
    {
        if (Differ(rows, r => (r.Door, r.Call.Kind))) return "different operations";
        if (Differ(rows, r => r.Call.DType)) return "different types";
        if (Differ(rows, r => r.Call.Wire)) return "different types on the wire";
        if (Differ(rows, r => r.Call.Op)) return "different reductions";
        if (Differ(rows, r => r.Call.Peer)) return "different roots";
        if (rows[0].Door == CallDoor.Split) return SplitDifference(rows);
        if (rows[0].Door == CallDoor.Allocate) return Differ(rows, r => r.Call.OutputLength) ? "different sizes" : null;
        return rows[0].Call.Kind switch
        {
            CollectiveKind.AllReduce or CollectiveKind.Broadcast or CollectiveKind.Reduce => Differ(rows, r => r.Call.InputLength) ? "different sizes" : null,
            CollectiveKind.ReduceScatter => Differ(rows, r => r.Call.InputLength) ? "different sizes" : Differ(rows, r => Text(r.InputCounts)) ? "different counts" : null,
            CollectiveKind.AllGather => Differ(rows, r => r.Call.OutputLength) ? "different sizes" : Differ(rows, r => Text(r.OutputCounts)) ? "different counts" : null,
            CollectiveKind.Gather => RootDifference(rows, root => root.OutputCounts, root => root.Call.OutputLength, r => r.Call.InputLength, "gives"),
            CollectiveKind.Scatter => RootDifference(rows, root => root.InputCounts, root => root.Call.InputLength, r => r.Call.OutputLength, "takes"),
            CollectiveKind.AllToAll => ExchangeDifference(rows),
            _ => null,
        };
    }

    static bool Differ<T>(IReadOnlyList<CallRow> rows, Func<CallRow, T> part) => rows.Any(r => !EqualityComparer<T>.Default.Equals(part(r), part(rows[0])));

    static string Text(IReadOnlyList<long>? counts) => counts is null ? "" : string.Join(",", counts);

    static string? SplitDifference(IReadOnlyList<CallRow> rows)
    {
        if (Differ(rows, r => r.Name)) return "different names";
        for (var rank = 0; rank < rows.Count; rank++)
            foreach (var member in rows[rank].InputCounts!)
                if (!rows[(int)member].InputCounts!.SequenceEqual(rows[rank].InputCounts!)) return $"rank {rank} wants a part with rank {member}, which wants another";
        return null;
    }

    static string? RootDifference(IReadOnlyList<CallRow> rows, Func<CallRow, IReadOnlyList<long>?> counts, Func<CallRow, long> whole, Func<CallRow, long> part, string verb)
    {
        var root = rows[rows[0].Call.Peer];
        for (var rank = 0; rank < rows.Count; rank++)
        {
            var expected = counts(root) is { } uneven ? uneven[rank] : whole(root) / rows.Count;
            if (part(rows[rank]) != expected) return $"rank {rank} {verb} {part(rows[rank]):N0} elements, but the root has {expected:N0} for it";
        }
        return null;
    }

    static string? ExchangeDifference(IReadOnlyList<CallRow> rows)
    {
        for (var from = 0; from < rows.Count; from++)
            for (var to = 0; to < rows.Count; to++)
            {
                var sent = rows[from].InputCounts?[to] ?? (rows[from].Call.InputLength / rows.Count);
                var taken = rows[to].OutputCounts?[from] ?? (rows[to].Call.OutputLength / rows.Count);
                if (sent != taken) return $"rank {from} gives rank {to} {sent:N0} elements, which takes {taken:N0}";
            }
        return null;
    }
}
