using System.Text.Json.Nodes;

namespace Raijin.Training;

/// <summary>What came of a batch size on one rank, or on all.</summary>
/// <param name="Problem">Why it does not fit; null where it does.</param>
/// <param name="PeakBytes">Native memory at its fullest, where that is known.</param>
/// <param name="SecondsPerSample">Time of the last step by its samples.</param>
readonly record struct BatchTrial(string? Problem, long? PeakBytes, double SecondsPerSample)
{
    /// <summary>What came of it here.</summary>
    /// <param name="failure">What ended it; null where nothing did.</param>
    /// <param name="watch">What was seen.</param>
    public static BatchTrial Of(Exception? failure, MemoryWatch watch) => new(failure?.Message, watch.PeakBytes, watch.SecondsPerSample);

    /// <summary>What came of it on all ranks: the fullest memory, the longest time, and the problem of the lowest rank that has one of its own. Every rank calls it.</summary>
    /// <param name="peers">The ranks.</param>
    /// <param name="isEcho">Whether this rank only gave up because another did.</param>
    public BatchTrial OfAll(Peers peers, bool isEcho)
    {
        if (peers.IsAlone) return this;
        var said = peers.Gather(new JsonObject { ["problem"] = Problem, ["echo"] = isEcho, ["peak"] = PeakBytes, ["seconds"] = SecondsPerSample }.ToJsonString()).Select(text => JsonNode.Parse(text)!.AsObject()).ToList();
        var problems = said.Index().Where(s => s.Item["problem"] is not null).OrderBy(s => (bool)s.Item["echo"]!).ToList();
        return new(
            problems.Count == 0 ? null : FormattableString.Invariant($"rank {problems[0].Index}: {(string)problems[0].Item["problem"]!}"),
            said.Max(s => (long?)s["peak"]),
            said.Max(s => (double)s["seconds"]!));
    }
}
