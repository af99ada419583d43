namespace Raijin;

/// <summary>
/// Finds how a model trains fastest at a given global batch: the microbatch and its accumulation, the stage, the size of units, offload and threads. A time and a memory model rule out most; of the rest the most
/// promising are measured, in the ranks that are there already.
/// </summary>
/// <remarks>What it changes gives the same training: only the order of sums differs. DeepSpeed's <c>autotuning</c> launches all ranks anew for each trial.</remarks>
public sealed record ThroughputFinder
{
    /// <summary>Samples of an optimizer step over all ranks and microbatches; a multiple of the number of ranks.</summary>
    public required int GlobalBatch { get; init; }

    /// <summary>Samples of a microbatch to choose from; those that divide a rank's share of the global batch count.</summary>
    /// <value>Default empty: the share and its halves, down to an odd number.</value>
    public IReadOnlyList<int> MicroBatches { get; init; } = [];

    /// <summary>Stages to choose from.</summary>
    /// <value>Default 0 to 3; one rank alone has 0 only.</value>
    public IReadOnlyList<int> Stages { get; init; } = [0, 1, 2, 3];

    /// <summary>Sizes of units to choose from, <see cref="Strategy.UnitBytes"/>; without effect on modules that name their units.</summary>
    /// <value>Default empty: that of the trainer's strategy.</value>
    public IReadOnlyList<long> UnitBytes { get; init; } = [];

    /// <summary>Shares of optimizer state that lie in <see cref="OffloadFolder"/> to choose from; 0 is none.</summary>
    /// <value>Default 0 only.</value>
    public IReadOnlyList<double> OffloadRatios { get; init; } = [0];

    /// <summary>Where offloaded state lies; needed by ratios above 0.</summary>
    /// <value>Default null.</value>
    public string? OffloadFolder { get; init; }

    /// <summary>Whether units are computed again in backward, to choose from: <see cref="TrainerOptions.Recompute"/>.</summary>
    /// <value>Default empty: as the trainer's options say.</value>
    public IReadOnlyList<bool> Recompute { get; init; } = [];

    /// <summary>Threads of each rank's operators to choose from.</summary>
    /// <value>Default empty: as they are.</value>
    public IReadOnlyList<int> Threads { get; init; } = [];

    /// <summary>How many are measured at most; 1 and more.</summary>
    /// <value>Default 4.</value>
    public int Trials { get; init; } = 4;

    /// <summary>Steps measured of each, after <see cref="WarmupSteps"/>; 1 and more.</summary>
    /// <value>Default 4.</value>
    public int Steps { get; init; } = 4;

    /// <summary>Steps of each before those that count; 1 and more.</summary>
    /// <value>Default 2.</value>
    public int WarmupSteps { get; init; } = 2;

    /// <summary>A trial ends early when a step takes more than the best one's times this; above 1.</summary>
    /// <value>Default 1.25.</value>
    public double StopRatio { get; init; } = 1.25;

    /// <summary>Whether every candidate that fits is measured to its end, whatever it promises; <see cref="Trials"/> and <see cref="StopRatio"/> have no effect then.</summary>
    /// <value>Default false.</value>
    public bool Exhaustive { get; init; }

    /// <summary>Memory that a rank may take.</summary>
    /// <value>Default null: four fifths of what the process may have, divided by the ranks of the machine.</value>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>How fast the machine is, measured by as many ranks.</summary>
    /// <value>Default null: it is measured first.</value>
    public MachineCalibration? Calibration { get; init; }

    /// <summary>A file of the trials that ended: with it a search that was interrupted goes on. The first rank's.</summary>
    /// <value>Default null: none.</value>
    public string? Journal { get; init; }

    /// <summary>Everything there is to choose from, for so many ranks.</summary>
    /// <param name="ranks">How many train.</param>
    /// <param name="strategy">Where choices say nothing.</param>
    /// <param name="recompute">The same of recomputation.</param>
    public IReadOnlyList<ThroughputCandidate> Candidates(int ranks, Strategy? strategy = null, bool recompute = false)
    {
        InvalidOptionsException.ThrowIfAny([.. Faults(ranks)]);
        strategy ??= Zero.Stage0;
        var share = GlobalBatch / ranks;
        List<int> micro = MicroBatches.Count > 0 ? [.. MicroBatches.Where(size => share % size == 0)] : [share];
        while (MicroBatches.Count == 0 && micro[^1] % 2 == 0) micro.Add(micro[^1] / 2);
        return
        [
            .. from size in micro.Distinct()
               from stage in ranks == 1 ? [0] : Stages.Distinct()
               from unit in UnitBytes.Count > 0 ? UnitBytes.Distinct() : [strategy.UnitBytes]
               from ratio in OffloadRatios.Distinct()
               from threads in Threads.Count > 0 ? Threads.Distinct().Select(t => (int?)t) : [null]
               from again in Recompute.Count > 0 ? Recompute.Distinct() : [recompute]
               select new ThroughputCandidate(size, share / size, stage, unit, ratio, threads, again),
        ];
    }

    internal IEnumerable<OptionFault> Faults(int ranks)
    {
        if (GlobalBatch < 1 || GlobalBatch % ranks != 0) yield return new("throughputFinder.globalBatch", $"= {GlobalBatch}; allowed: multiples of the {ranks} ranks");
        else if (MicroBatches.Count > 0 && !MicroBatches.Any(size => size > 0 && GlobalBatch / ranks % size == 0))
            yield return new("throughputFinder.microBatches", $"= {string.Join(", ", MicroBatches)}: none divides the {GlobalBatch / ranks} samples of a rank ({GlobalBatch} / {ranks})");
        if (MicroBatches.Any(size => size < 1)) yield return new("throughputFinder.microBatches", $"= {string.Join(", ", MicroBatches)}; allowed: 1 and more");
        if (Stages.Count == 0 || Stages.Any(stage => stage is < 0 or > 3)) yield return new("throughputFinder.stages", $"= {string.Join(", ", Stages)}; allowed: some of 0, 1, 2, 3");
        if (UnitBytes.Any(size => size < 1)) yield return new("throughputFinder.unitBytes", $"= {string.Join(", ", UnitBytes)}; allowed: 1 and more");
        if (OffloadRatios.Count == 0 || OffloadRatios.Any(ratio => ratio is not (>= 0 and <= 1))) yield return new("throughputFinder.offloadRatios", "must be shares from 0 to 1, and at least one");
        if (OffloadFolder is null && OffloadRatios.Any(ratio => ratio > 0)) yield return new("throughputFinder.offloadFolder", "is needed: offloadRatios has shares above 0");
        if (Threads.Any(threads => threads < 1)) yield return new("throughputFinder.threads", $"= {string.Join(", ", Threads)}; allowed: 1 and more");
        if (Trials < 1) yield return new("throughputFinder.trials", $"= {Trials}; allowed: 1 and more");
        if (Steps < 1) yield return new("throughputFinder.steps", $"= {Steps}; allowed: 1 and more");
        if (WarmupSteps < 1) yield return new("throughputFinder.warmupSteps", $"= {WarmupSteps}; allowed: 1 and more");
        if (!(StopRatio > 1)) yield return new("throughputFinder.stopRatio", FormattableString.Invariant($"= {StopRatio}; allowed: above 1"));
        if (MemoryLimitBytes is <= 0) yield return new("throughputFinder.memoryLimitBytes", $"= {MemoryLimitBytes}; allowed: above zero");
    }
}

/// <summary>One way to train at a global batch.</summary>
/// <param name="MicroBatch">Samples of a rank's microbatch.</param>
/// <param name="Accumulation">Microbatches of a step.</param>
/// <param name="Stage">What is divided.</param>
/// <param name="UnitBytes">Sizes of units.</param>
/// <param name="OffloadRatio">The share of optimizer state on disk.</param>
/// <param name="Threads">Threads of a rank's operators; null: as they are.</param>
/// <param name="Recompute">Whether units are computed again in backward.</param>
public sealed record ThroughputCandidate(int MicroBatch, int Accumulation, int Stage, long UnitBytes, double OffloadRatio, int? Threads, bool Recompute = false)
{
    /// <summary>How state is divided.</summary>
    /// <param name="given">What the candidate says nothing of.</param>
    /// <param name="folder">Where offloaded state lies.</param>
    public Strategy Strategy(Strategy given, string? folder)
    {
        ArgumentNullException.ThrowIfNull(given);
        var strategy = given with { Stage = Stage, UnitBytes = UnitBytes };
        return OffloadRatio > 0 ? strategy with { OffloadOptimizer = Tier.Disk(folder!), OffloadRatio = OffloadRatio } : strategy;
    }

    /// <summary>How many choices differ.</summary>
    internal int Distance(ThroughputCandidate other) =>
        (MicroBatch == other.MicroBatch ? 0 : 1) + (Stage == other.Stage ? 0 : 1) + (UnitBytes == other.UnitBytes ? 0 : 1) + (OffloadRatio == other.OffloadRatio ? 0 : 1) + (Threads == other.Threads ? 0 : 1) + (Recompute == other.Recompute ? 0 : 1);
}

/// <summary>How far a candidate came.</summary>
public enum ThroughputState : byte
{
    /// <summary>The memory model says that there is no room for it.</summary>
    TooLarge,

    /// <summary>Others promised more.</summary>
    NotMeasured,

    /// <summary>All its steps were measured.</summary>
    Measured,

    /// <summary>It was so much slower than the best that it ended early.</summary>
    Stopped,

    /// <summary>It ran out of memory, or can't be.</summary>
    Failed,
}

/// <summary>A candidate, with what was predicted of it and what it did.</summary>
/// <param name="Candidate">Which.</param>
/// <param name="PredictedSeconds">Of a step, by the model.</param>
/// <param name="PredictedBytes">Of a rank's memory, by the model.</param>
/// <param name="State">How far it came.</param>
/// <param name="Seconds">Of a step, measured; of the slowest rank.</param>
/// <param name="Bytes">Native memory at its fullest; of the rank that had the most.</param>
/// <param name="Problem">Why it failed.</param>
/// <param name="TrialSeconds">What trying it took in all.</param>
public sealed record ThroughputTrial(
    ThroughputCandidate Candidate, double PredictedSeconds, long PredictedBytes, ThroughputState State, double? Seconds = null, long? Bytes = null, string? Problem = null, double? TrialSeconds = null);

/// <summary>What a <see cref="ThroughputFinder"/> found; the same on all ranks.</summary>
public sealed record FoundThroughput
{
    /// <summary>The fastest that was measured; null when all failed.</summary>
    public required ThroughputTrial? Best { get; init; }

    /// <summary>All candidates: first those tried, in that order, then the others from the most promising on.</summary>
    public required IReadOnlyList<ThroughputTrial> Trials { get; init; }

    /// <summary>How fast the machine is.</summary>
    public required MachineCalibration Calibration { get; init; }
}
