// The first rank decides, all ranks try. Each trial runs in a world apart, so that a rank that runs out of memory ends the trial on all ranks and nothing else; then ranks tell each other how it went. Whatever fails on the
// first rank alone (the trace, the journal) is told too, so that nobody waits for it.

using System.Diagnostics;
using Raijin.Collectives;
using Raijin.Parallel;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A search for throughput on one rank.</summary>
/// <param name="finder">How.</param>
/// <param name="options">The trainer's.</param>
/// <param name="world">All ranks; null for one.</param>
/// <param name="onEnd">Told of each trial that ends, on the first rank.</param>
/// <param name="run">A short fit: options, microbatch, the world it runs in.</param>
sealed class ThroughputSearch(ThroughputFinder finder, TrainerOptions options, World? world, Action<ThroughputTrial>? onEnd, Action<TrainerOptions, int, World?> run)
{
    readonly Group? _group = world is { Size: > 1 } ? world.Group : null;
    readonly Strategy _strategy = options.Strategy ?? Zero.Stage0;

    int Ranks => _group?.Size ?? 1;

    bool IsFirst => _group is null || _group.Rank == 0;

    // Of the machine's ranks each its part; an accelerator says itself when it is full.
    long? Limit => finder.MemoryLimitBytes ?? (options.Device.Resolve().type == DeviceType.CPU ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 5 * 4 / (world?.Identity.LocalWorldSize ?? 1) : null);

    public FoundThroughput Run(CancellationToken cancellation)
    {
        var candidates = finder.Candidates(Ranks, _strategy, options.Recompute);
        if (StepRecording.Unavailable is { } reason) throw new PlatformNotSupportedException($"What a step computes can't be recorded here: {reason}.");
        var machine = finder.Calibration ?? Calibrate(candidates, cancellation);
        if (!IsFirst) return Follow(cancellation);

        ThroughputJournal? journal = null;
        try
        {
            var (plan, question) = Plan(candidates, machine);
            if (finder.Journal is not null) journal = ThroughputJournal.Open(finder.Journal, question);
            var selection = new ThroughputSelection(plan, finder.Trials, finder.Exhaustive);
            foreach (var ended in journal?.Ended ?? []) selection.End(ended);
            while (selection.Next() is { } next)
            {
                cancellation.ThrowIfCancellationRequested();
                var order = new ThroughputOrder(next.Candidate, finder.Exhaustive ? null : selection.Best?.Seconds * finder.StopRatio, null, null);
                Tell(order, cancellation);
                var began = Stopwatch.GetTimestamp();
                var trial = Together(next, Try(order, cancellation), cancellation) with { TrialSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds };
                selection.End(trial);
                journal?.Add(trial);
                onEnd?.Invoke(trial);
            }
            var found = new FoundThroughput { Best = selection.Best, Trials = selection.All(), Calibration = machine };
            Tell(new(null, null, found, null), cancellation);
            return found;
        }
        catch (Exception error) when (error is not (CollectiveException or ThroughputTrialException))
        {
            // The others wait for an order.
            Tell(new(null, null, null, $"{error.GetType().Name}: {error.Message}"), CancellationToken.None);
            throw;
        }
        finally
        {
            journal?.Dispose();
        }
    }

    // What this search asks of a machine, and no more: it counts in the search's time.
    MachineCalibration Calibrate(IReadOnlyList<ThroughputCandidate> candidates, CancellationToken cancellation)
    {
        var isCoded = _strategy.GradientCodec != GradientCodec.None;
        List<CollectiveKind> kinds = isCoded ? [CollectiveKind.AllToAll] : [];
        if (candidates.Any(c => c.Stage == 0) || _strategy.ShardSize > 0) kinds.Add(CollectiveKind.AllReduce);
        if (isCoded || candidates.Any(c => c.Stage > 0)) kinds.AddRange([CollectiveKind.ReduceScatter, CollectiveKind.AllGather]);
        return MachineCalibration.Measure(_group, candidates.Any(c => c.OffloadRatio > 0) ? finder.OffloadFolder : null, options.Precision, kinds, cancellation);
    }

    FoundThroughput Follow(CancellationToken cancellation)
    {
        while (true)
        {
            var order = _group!.BroadcastObject(null, 0, ThroughputJson.Default.ThroughputOrder, cancellationToken: cancellation);
            if (order.Problem is { } problem) throw new InvalidOperationException($"The search ended on rank 0: {problem}");
            if (order.Found is { } found) return found;
            Together(new(order.Candidate!, 0, 0, ThroughputState.NotMeasured), Try(order, cancellation), cancellation);
        }
    }

    void Tell(ThroughputOrder order, CancellationToken cancellation) => _group?.BroadcastObject(order, 0, ThroughputJson.Default.ThroughputOrder, cancellationToken: cancellation);

    // What the first rank knows beforehand of each candidate.
    (IReadOnlyList<ThroughputTrial> Plan, ThroughputQuestion Question) Plan(IReadOnlyList<ThroughputCandidate> candidates, MachineCalibration machine)
    {
        const int largestTraced = 4;
        var traced = Math.Min(largestTraced, candidates.Max(c => c.MicroBatch));
        var strategies = candidates.Select(c => c.Strategy(_strategy, finder.OffloadFolder)).Append(_strategy).ToList();
        var traces = candidates.Select(c => c.Recompute).Distinct().ToDictionary(again => again, again => (Large: Trace(traced, again, strategies), Small: traced > 1 ? Trace(traced / 2, again, strategies).Work : null));
        var (_, shapes, stateBytes) = traces.Values.First().Large;
        var threads = get_num_threads();
        List<ThroughputTrial> plan = [];
        foreach (var candidate in candidates)
        {
            var (large, small) = traces[candidate.Recompute];
            var work = candidate.MicroBatch == traced ? large.Work : StepWork.At(small!, large.Work, candidate.MicroBatch);
            var strategy = candidate.Strategy(_strategy, finder.OffloadFolder);
            var shape = shapes[strategy.UnitBytes];
            var planOptions = new PlanOptions { Precision = options.Precision, StateBytes = stateBytes, Microbatches = candidate.Accumulation, ComputesOnHost = true };
            var memory = MemoryPlan.Of(shape, strategy, Ranks, planOptions);
            var state = memory.TotalBytes - memory.DiskBytes;
            var bytes = Ranks == 1 && candidate.Accumulation == 1 ? state - memory.BytesOf(BufferKind.Gradients) + work.PeakBytes : state + work.ActivationBytes;
            var time = TimePlan.Of(work, shape, strategy, Ranks, machine, planOptions);
            // Threads compute; what is exchanged and written does not get faster. Those beyond the processors take turns.
            var share = candidate.Threads is { } count ? threads / (double)Math.Min(count, Environment.ProcessorCount) * Math.Max(1, count / (double)Environment.ProcessorCount) : 1;
            var seconds = ((time.Forward + time.Backward).TotalSeconds * share) + (time.Exchange + time.Update + time.Disk).TotalSeconds;
            plan.Add(new(candidate, seconds, bytes, bytes > Limit ? ThroughputState.TooLarge : ThroughputState.NotMeasured));
        }
        var name = shapes[_strategy.UnitBytes];
        return (plan, new(finder.GlobalBatch, Ranks, string.Join(' ', name.Units.Append(name.Rest).Select(u => $"{u.Name}={u.NumParameters}")), options.Precision.Name));
    }

    (StepWork Work, IReadOnlyDictionary<long, ModelShape> Shapes, long StateBytes) Trace(int samples, bool recompute, IReadOnlyList<Strategy> strategies)
    {
        using var trace = new StepTrace(samples, options.Precision, strategies);
        trace.Run(options with { Recompute = recompute }, (brief, alone) => run(brief, samples, alone));
        return (trace.Work!, trace.Shapes, trace.StateBytes);
    }

    TrainerOptions Short(ThroughputCandidate candidate, int steps, Callback callback) => ShortFit.Options(options, steps, callback) with
    {
        AccumulateGradients = candidate.Accumulation,
        Strategy = Ranks == 1 && candidate.OffloadRatio == 0 ? null : candidate.Strategy(_strategy, finder.OffloadFolder),
        Threads = candidate.Threads ?? options.Threads,
        Recompute = candidate.Recompute,
    };

    RankOutcome Try(ThroughputOrder order, CancellationToken cancellation)
    {
        var candidate = order.Candidate!;
        // One decides for all: a wish to stop is everyone's.
        var watch = new ThroughputWatch(candidate.MicroBatch, candidate.Accumulation, finder.WarmupSteps, IsFirst ? order.StopSeconds : null);
        try
        {
            using var apart = world?.Apart("trial");
            run(Short(candidate, finder.WarmupSteps + finder.Steps, watch), candidate.MicroBatch, apart);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Whatever it is, the others have to hear of it before this rank does anything else.
            var isMemory = OutOfDeviceMemoryException.TryExplain(error, out _);
            return new(null, watch.PeakBytes, false, error.Message.Split('\n')[0], error is CollectiveException, !isMemory && error is not (CollectiveException or InvalidOptionsException));
        }
        cancellation.ThrowIfCancellationRequested();
        if (watch.PeakBytes > Limit) return new(null, watch.PeakBytes, false, FormattableString.Invariant($"it takes {watch.PeakBytes / 1e6:N0} MB; there are {Limit / 1e6:N0} MB"), false, false);
        if (watch.Seconds is null) return new(null, watch.PeakBytes, false, $"the data has too few samples for {finder.WarmupSteps + 1} whole steps in an epoch or more of them", false, false);
        return new(watch.Seconds, watch.PeakBytes, watch.IsStopped, null, false, false);
    }

    // A failure on one rank is everyone's; the slowest rank's time is the step's.
    ThroughputTrial Together(ThroughputTrial trial, RankOutcome mine, CancellationToken cancellation)
    {
        RankOutcome[] all = _group is null ? [mine] : _group.AllGatherObjects(mine, ThroughputJson.Default.RankOutcome, cancellationToken: cancellation);
        var bytes = all.Max(o => o.Bytes);
        if (Array.FindIndex(all, o => o.IsFatal) is var fatal and >= 0) throw new ThroughputTrialException($"A trial failed on rank {fatal} ({trial.Candidate}): {all[fatal].Problem}");
        var failed = Array.FindIndex(all, o => o is { Problem: not null, IsEcho: false });
        if (failed < 0) failed = Array.FindIndex(all, o => o.Problem is not null);
        if (failed >= 0) return trial with { State = ThroughputState.Failed, Bytes = bytes, Problem = Ranks > 1 ? $"rank {failed}: {all[failed].Problem}" : all[failed].Problem };
        return trial with { State = Array.Exists(all, o => o.IsStopped) ? ThroughputState.Stopped : ThroughputState.Measured, Seconds = all.Max(o => o.Seconds), Bytes = bytes };
    }
}
