using System.Globalization;
using Raijin.Tensors;

namespace Raijin.Parallel;

// Each rank says which runs of which tensors it holds. A sweep over a tensor's run ends cuts it into intervals that the same ranks hold throughout; each interval is written once.
// What one rank alone holds is its to write; what several hold goes to whoever has least, and large intervals are cut among all who hold them, so that all disks and cores work.
// A pure function of what all ranks said: every rank computes the same plan.

/// <summary>A run of a tensor that a rank holds.</summary>
sealed record HeldSlice(string Name, string Dtype, IReadOnlyList<long> Shape, long Start, long Count);

/// <summary>A run of a tensor that a rank writes.</summary>
readonly record struct PlannedSlice(string Name, long Start, long Count, int Rank);

/// <summary>Who writes which elements.</summary>
static class ShardPlan
{
    /// <summary>An interval that gives each of its holders this many bytes or more is cut among them.</summary>
    public const long SplitBytes = 1 << 20;

    /// <summary>Divides the writing.</summary>
    /// <param name="path">The checkpoint, for messages.</param>
    /// <param name="held">By rank.</param>
    /// <param name="splitBytes"><see cref="SplitBytes"/>, but for tests.</param>
    /// <returns>By tensor, in order of the names; each tensor's runs in order of their elements.</returns>
    /// <exception cref="CheckpointException">Ranks describe a tensor differently, or together do not hold all of it.</exception>
    public static IReadOnlyList<(HeldSlice Tensor, IReadOnlyList<PlannedSlice> Slices)> Make(string path, IReadOnlyList<IReadOnlyList<HeldSlice>> held, long splitBytes = SplitBytes)
    {
        var byName = held.SelectMany((slices, rank) => slices.Select(slice => (Slice: slice, Rank: rank)))
            .GroupBy(s => s.Slice.Name, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
        var intervals = new List<Interval>();
        foreach (var tensor in byName) intervals.AddRange(Intervals(path, [.. tensor]));

        var loads = new long[held.Count];
        var planned = new List<PlannedSlice>();
        foreach (var interval in intervals.Where(i => i.Ranks.Length == 1)) Give(interval, 0, interval.Count, interval.Ranks[0]);
        foreach (var interval in intervals.Where(i => i.Ranks.Length > 1).OrderByDescending(i => i.Bytes).ThenBy(i => i.Name, StringComparer.Ordinal).ThenBy(i => i.Start))
        {
            var holders = interval.Ranks.Length;
            if (interval.Bytes < splitBytes * holders)
            {
                Give(interval, 0, interval.Count, interval.Ranks.MinBy(rank => (loads[rank], rank)));
                continue;
            }

            for (var i = 0; i < holders; i++) Give(interval, interval.Count * i / holders, interval.Count * (i + 1) / holders, interval.Ranks[i]);
        }

        var slices = planned.ToLookup(p => p.Name, StringComparer.Ordinal);
        return [.. byName.Select(tensor => (tensor.First().Slice, (IReadOnlyList<PlannedSlice>)[.. slices[tensor.Key].OrderBy(s => s.Start)]))];

        void Give(Interval interval, long from, long to, int rank)
        {
            if (from == to) return;
            planned.Add(new PlannedSlice(interval.Name, interval.Start + from, to - from, rank));
            loads[rank] += (to - from) * interval.ElementBytes;
        }
    }

    static List<Interval> Intervals(string path, (HeldSlice Slice, int Rank)[] slices)
    {
        var (first, firstRank) = slices[0];
        if (!ShardIndex.IsName(first.Name)) Refuse("logical tensors are named stem/name, the stem of letters, digits, - and _.");
        foreach (var (slice, rank) in slices)
        {
            if (slice.Dtype != first.Dtype || !slice.Shape.SequenceEqual(first.Shape))
                Refuse($"rank {firstRank} has [{string.Join(", ", first.Shape)}] {first.Dtype}, rank {rank} has [{string.Join(", ", slice.Shape)}] {slice.Dtype}: models or options differ.");
        }

        var size = SafetensorsDtype.ElementBytes(first.Dtype);
        var elements = ShardIndex.NumElements(first.Shape, size);
        if (elements < 0) Refuse($"no tensor has the shape [{string.Join(", ", first.Shape)}].");
        var ends = new List<(long At, bool Opens, int Rank)>(2 * slices.Length);
        foreach (var (slice, rank) in slices)
        {
            if (slice.Start < 0 || slice.Count < 0 || slice.Count > elements - slice.Start) Refuse($"rank {rank} gives {slice.Count} elements from {slice.Start}, which are not inside its {elements}.");
            if (slice.Count == 0) continue;
            ends.Add((slice.Start, true, rank));
            ends.Add((slice.Start + slice.Count, false, rank));
        }

        // At one place the runs that end come before those that begin.
        ends.Sort();
        var intervals = new List<Interval>();
        var open = new SortedSet<int>();
        var at = 0L;
        foreach (var (place, opens, rank) in ends)
        {
            if (place > at)
            {
                if (open.Count == 0) Refuse($"no rank holds its elements {at} to {place}.");
                intervals.Add(new Interval(first.Name, at, place - at, size, [.. open]));
                at = place;
            }

            if (opens ? !open.Add(rank) : !open.Remove(rank)) Refuse($"rank {rank} gives the elements from {place} twice.");
        }

        if (at != elements) Refuse($"no rank holds its elements {at} to {elements}.");
        return intervals;

        void Refuse(string problem) => throw new CheckpointException(path, string.Create(CultureInfo.InvariantCulture, $"it could not be saved: \"{first.Name}\": {problem}"));
    }

    sealed record Interval(string Name, long Start, long Count, int ElementBytes, int[] Ranks)
    {
        public long Bytes => Count * ElementBytes;
    }
}
