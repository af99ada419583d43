namespace Raijin.Collectives;

/// <summary>What a measured time of a call says of the wires, by the definitions of nccl-tests, so that numbers can be compared between kinds of calls, numbers of ranks and libraries.</summary>
/// <remarks>
/// S is the whole tensor, as <see cref="TrafficCount"/> counts it, n the ranks, t the time. The algorithm's bandwidth is S / t. The bus bandwidth is what each rank's link carried at least, whatever the algorithm:
/// S / t times 2(n - 1)/n for an all-reduce, (n - 1)/n where each rank keeps or brings a part, 1 for a broadcast, a reduction to one and a message.
/// </remarks>
public static class BusBandwidth
{
    /// <summary>What the algorithm's bandwidth is multiplied with.</summary>
    /// <param name="kind">What is done; a barrier moves nothing.</param>
    /// <param name="ranks">How many take part.</param>
    public static double Factor(CollectiveKind kind, int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        var others = (ranks - 1.0) / ranks;
        return kind switch
        {
            CollectiveKind.AllReduce => 2 * others,
            CollectiveKind.ReduceScatter or CollectiveKind.AllGather or CollectiveKind.AllToAll or CollectiveKind.Gather or CollectiveKind.Scatter => others,
            CollectiveKind.Barrier => 0,
            _ => 1,
        };
    }

    /// <summary>Bytes a second by both definitions; 0 for what took no time.</summary>
    public static (double Algorithm, double Bus) Of(CollectiveKind kind, int ranks, long bytes, TimeSpan time)
    {
        var algorithm = time > TimeSpan.Zero ? bytes / time.TotalSeconds : 0;
        return (algorithm, algorithm * Factor(kind, ranks));
    }
}
