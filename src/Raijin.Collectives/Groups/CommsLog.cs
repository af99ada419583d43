using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// Times every call of a group and of the groups split from it: how often each kind and size came, how long it took, how long it held up the rank, at what bandwidth. Costs two to four readings of the clock a call;
/// a group without one pays a comparison. DeepSpeed's comms logger.
/// </summary>
/// <remarks>Started, compared and disposed by the thread that makes the group's calls. What a group does for its own purposes (<see cref="GroupOptions.CheckCalls"/>) is not counted.</remarks>
public sealed class CommsLog : IDisposable
{
    /// <summary>How many of each group's last collectives <see cref="Compare"/> looks at.</summary>
    public const int KeptCalls = 1 << 14;

    readonly List<CallTimes> _groups = [];
    readonly Group _root;

    CommsLog(Group root) => _root = root;

    /// <summary>Begins to time a group, its parts, and those it will have.</summary>
    /// <exception cref="InvalidOperationException">It is being timed already.</exception>
    public static CommsLog Start(Group group)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (group.Times is not null) throw new InvalidOperationException($"The calls of group {group.Name} are being timed already: dispose that log first.");
        var log = new CommsLog(group);
        log.Add(group);
        return log;
    }

    /// <summary>What this rank has seen so far, without asking the others.</summary>
    public CommsReport Report() => new() { Rank = _root.Rank, Lines = [.. _groups.SelectMany(times => times.Lines.Where(line => line.Count > 0).Select(line => Describe(times, line, null)))] };

    /// <summary>
    /// The same with who came last and how long the others waited, of the calls in which all wait for all. Each group exchanges the times of its last <see cref="KeptCalls"/> collectives. All ranks call this at the same
    /// place, as any collective; groups that were disposed are left out of the exchange.
    /// </summary>
    /// <exception cref="CollectiveException">The exchange failed, here or on another rank.</exception>
    public CommsReport Compare(CancellationToken cancellationToken = default)
    {
        var lines = new List<CommsLine>();
        foreach (var times in _groups)
        {
            var stragglers = times.Group is { Size: > 1, IsDisposed: false } ? Stragglers(times, cancellationToken) : [];
            lines.AddRange(times.Lines.Where(line => line.Count > 0).Select(line => Describe(times, line, stragglers.GetValueOrDefault(line))));
        }
        return new() { Rank = _root.Rank, Lines = lines };
    }

    /// <summary>Ends the timing; a report can be made no more.</summary>
    public void Dispose()
    {
        foreach (var times in _groups) times.Group.Times = null;
        _groups.Clear();
    }

    internal void Add(Group group)
    {
        var times = new CallTimes(group, KeptCalls);
        _groups.Add(times);
        group.Times = times;
        group.Log = this;
        foreach (var part in group.Parts) Add(part);
    }

    static CommsLine Describe(CallTimes times, CallLine line, Straggling? straggling)
    {
        var mean = Stopwatch.GetElapsedTime(0, line.Latency) / line.Count;
        var (algorithm, bus) = BusBandwidth.Of(line.Kind, times.Group.Size, line.Bytes, mean);
        return new()
        {
            Group = times.Group.Name,
            Ranks = times.Group.Size,
            Kind = line.Kind,
            Bytes = line.Bytes,
            Count = line.Count,
            Total = Stopwatch.GetElapsedTime(0, line.Latency),
            Mean = mean,
            Held = Stopwatch.GetElapsedTime(0, line.Held),
            AlgorithmBytesPerSecond = algorithm,
            BusBytesPerSecond = bus,
            Straggling = straggling?.Result(),
        };
    }

    static Dictionary<CallLine, Straggling> Stragglers(CallTimes times, CancellationToken cancellation)
    {
        var group = times.Group;
        var found = new Dictionary<CallLine, Straggling>();
        // The exchange itself is nobody's traffic.
        group.Times = null;
        try
        {
            using var scope = NewDisposeScope();
            var (from, to) = times.Kept;
            var ranges = empty(2 * group.Size, ScalarType.Int64, group.Device);
            group.AllGather(tensor((long[])[from, to], device: group.Device), ranges, cancellationToken: cancellation);
            var bounds = ranges.cpu().data<long>().ToArray();
            from = bounds.Where((_, i) => i % 2 == 0).Max();
            to = bounds.Where((_, i) => i % 2 == 1).Min();
            var count = (int)Math.Max(0, to - from);
            if (count == 0) return found;

            var mine = new float[count];
            for (var i = 0; i < count; i++) mine[i] = (float)times.At(from + i).Held;
            var all = empty((long)count * group.Size, ScalarType.Float32, group.Device);
            group.AllGather(tensor(mine, device: group.Device), all, cancellationToken: cancellation);
            var held = all.cpu().data<float>().ToArray();
            for (var i = 0; i < count; i++)
            {
                var line = times.At(from + i).Line;
                if (!WaitsForAll(line.Kind)) continue;
                if (!found.TryGetValue(line, out var straggling)) found.Add(line, straggling = new Straggling(group.Size));
                straggling.Add(held, i, count);
            }
            return found;
        }
        finally
        {
            group.Times = times;
        }
    }

    // In the others a rank may be done before some have come.
    static bool WaitsForAll(CollectiveKind kind) => kind is CollectiveKind.AllReduce or CollectiveKind.ReduceScatter or CollectiveKind.AllGather or CollectiveKind.AllToAll or CollectiveKind.Barrier;

    /// <summary>Who held up the calls of one line.</summary>
    sealed class Straggling(int ranks)
    {
        readonly long[] _last = new long[ranks];
        double _waited;

        /// <param name="held">Of all ranks, one after another.</param>
        /// <param name="call">The call's place in each.</param>
        /// <param name="calls">How many each has.</param>
        public void Add(ReadOnlySpan<float> held, int call, int calls)
        {
            var last = 0;
            var sum = 0.0;
            for (var rank = 0; rank < ranks; rank++)
            {
                var mine = held[(rank * calls) + call];
                sum += mine;
                if (mine < held[(last * calls) + call]) last = rank;
            }
            _last[last]++;
            _waited += (sum - (ranks * (double)held[(last * calls) + call])) / (ranks - 1);
        }

        public CommsStraggler Result()
        {
            var rank = Array.IndexOf(_last, _last.Max());
            return new(rank, _last[rank], _last.Sum(), TimeSpan.FromSeconds(_waited / Stopwatch.Frequency));
        }
    }
}
