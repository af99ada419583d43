namespace Raijin;

/// <summary>How a batch size is searched for.</summary>
public enum BatchSizeSearch
{
    /// <summary>Doubles until it does not fit; the last that fitted is the answer.</summary>
    Power,

    /// <summary>Doubles until it does not fit, then halves the gap between the last that fitted and the first that did not.</summary>
    Binary,
}

/// <summary>
/// Finds the largest batch that training has memory for: trains a few steps at each size, in this process, and takes running out of memory for an answer. Weights and random state are put
/// back afterwards; nothing is written.
/// </summary>
/// <remarks>
/// On a CPU the system would rather end the process than refuse memory: sizes whose steps take more than <see cref="MemoryLimitBytes"/>, or would by what the last two sizes took, count as
/// not fitting. Lightning's <c>BatchSizeFinder</c> and <c>Tuner.scale_batch_size</c>.
/// </remarks>
public sealed record BatchSizeFinder
{
    /// <summary>How it goes about it.</summary>
    /// <value>Default <see cref="BatchSizeSearch.Power"/>.</value>
    public BatchSizeSearch Search { get; init; } = BatchSizeSearch.Power;

    /// <summary>The first size; 1 and more.</summary>
    /// <value>Default 2.</value>
    public int Initial { get; init; } = 2;

    /// <summary>The largest size to try.</summary>
    /// <value>Default 8192.</value>
    public int Maximum { get; init; } = 8192;

    /// <summary>Optimizer steps at each size; 1 and more.</summary>
    /// <value>Default 3.</value>
    public int StepsPerTrial { get; init; } = 3;

    /// <summary>Sizes to try at most; 1 and more.</summary>
    /// <value>Default 25.</value>
    public int MaxTrials { get; init; } = 25;

    /// <summary>With <see cref="BatchSizeSearch.Binary"/>: the gap, as a share of the size, at which it is close enough; in (0, 1).</summary>
    /// <value>Default 0.05.</value>
    public double Tolerance { get; init; } = 0.05;

    /// <summary>Native memory that a size may take on a CPU, weights and all.</summary>
    /// <value>Default null: four fifths of what the process may have. Without effect on other devices, and where the C library does not tell.</value>
    public long? MemoryLimitBytes { get; init; }

    internal IEnumerable<OptionFault> Faults()
    {
        if (Initial < 1) yield return new("batchSizeFinder.initial", $"= {Initial}; allowed: 1 and more");
        if (Maximum < Initial) yield return new("batchSizeFinder.maximum", $"= {Maximum}; allowed: initial = {Initial} and more");
        if (StepsPerTrial < 1) yield return new("batchSizeFinder.stepsPerTrial", $"= {StepsPerTrial}; allowed: 1 and more");
        if (MaxTrials < 1) yield return new("batchSizeFinder.maxTrials", $"= {MaxTrials}; allowed: 1 and more");
        if (!(Tolerance > 0 && Tolerance < 1)) yield return new("batchSizeFinder.tolerance", $"= {Tolerance}; allowed: above 0 and below 1");
        if (MemoryLimitBytes is <= 0) yield return new("batchSizeFinder.memoryLimitBytes", $"= {MemoryLimitBytes}; allowed: above zero");
    }

    /// <summary>Searches, given how a size fares.</summary>
    internal FoundBatchSize Run(Func<int, IReadOnlyList<BatchSizeTrial>, BatchSizeTrial> attempt)
    {
        var trials = new List<BatchSizeTrial>();
        int? fits = null, fails = null;
        for (var size = Initial; trials.Count < MaxTrials;)
        {
            var trial = attempt(size, trials);
            trials.Add(trial);
            if (trial.Fits) fits = size;
            else fails = size;
            if (Next(fits, fails) is not { } next) break;
            size = next;
        }
        return new FoundBatchSize { BatchSize = fits, Trials = trials };
    }

    int? Next(int? fits, int? fails)
    {
        if (fails is null) return fits >= Maximum ? null : Math.Min(Maximum, fits!.Value * 2);
        if (Search == BatchSizeSearch.Power || fits is null) return null;
        var gap = fails.Value - fits.Value;
        return gap <= 1 || gap <= Tolerance * fails.Value ? null : fits.Value + gap / 2;
    }
}

/// <summary>What a <see cref="BatchSizeFinder"/> found.</summary>
public sealed record FoundBatchSize
{
    /// <summary>The largest size that fitted; null when not even the first did.</summary>
    public required int? BatchSize { get; init; }

    /// <summary>Every size tried, in that order.</summary>
    public required IReadOnlyList<BatchSizeTrial> Trials { get; init; }
}

/// <summary>A batch size tried.</summary>
/// <param name="BatchSize">The size.</param>
/// <param name="Fits">Whether there was memory for it.</param>
/// <param name="Problem">Why not; null where it fits.</param>
/// <param name="PeakBytes">Native memory at its fullest, where that is known.</param>
/// <param name="SecondsPerSample">Time of the last step by its samples.</param>
public sealed record BatchSizeTrial(int BatchSize, bool Fits, string? Problem, long? PeakBytes, double SecondsPerSample);
