namespace Raijin.RankHost;

/// <summary>What a rank of a multi-process test can do, by name. Each gives the exit code.</summary>
static class Scenarios
{
    public static IReadOnlyDictionary<string, Func<string[], int>> All { get; } = new Dictionary<string, Func<string[], int>>(StringComparer.Ordinal)
    {
        ["segment-contract"] = SegmentRank.Contract,
        ["segment-endless"] = SegmentRank.Endless,
        ["segment-idle"] = SegmentRank.Idle,
        ["save-shards"] = ShardedSaves.Run,
        ["exit"] = arguments => int.Parse(arguments[0], System.Globalization.CultureInfo.InvariantCulture),
        ["launch-guide"] = LaunchGuide.Self,
        ["launched"] = Launched.Run,
        ["mpi-contract"] = MpiRank.Contract,
        ["mpi-where"] = MpiRank.Where,
        ["mpi-endless"] = MpiRank.Endless,
        ["mpi-failing"] = MpiRank.Failing,
        ["mpi-mismatch"] = MpiRank.Mismatch,
        ["fit"] = Fits.Run,
        ["fit-elastic"] = ElasticFits.Run,
        ["wait"] = _ => Task.Delay(Timeout.Infinite).ContinueWith(_ => 0, TaskScheduler.Default).GetAwaiter().GetResult(),
    };
}
