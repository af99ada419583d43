namespace Raijin;

// A batch that many numbers of ranks divide: bases are the microbatches and their least common multiple; each is scaled by the largest highly composite number that keeps it within the bound;
// of these batches that one is taken which the most allowed numbers of ranks divide into microbatches, ties by size.
// Version 0.2 does the same over hosts, each of ranks / model parallel degree data-parallel ranks.

/// <summary>DeepSpeed's elastic batch: one global batch for many numbers of ranks, so that a run goes on with more or fewer of them and no result changes. Functions of numbers alone.</summary>
public static class DeepSpeedElasticity
{
    // Highly composite numbers and, to 720K, some that are nearly so: DeepSpeed's list, gaps included.
    static ReadOnlySpan<long> Composite =>
    [
        1, 2, 4, 6, 12, 24, 36, 48, 60, 120, 180, 240, 360, 720, 840, 1260, 1680, 2520, 5040, 7560, 10080, 15120, 20160, 25200, 27720, 45360, 50400, 55440, 83160, 110880,
        166320, 221760, 277200, 332640, 498960, 554400, 665280, 720720,
    ];

    /// <summary>The batch and the numbers of ranks it is for.</summary>
    /// <param name="options">What is allowed.</param>
    /// <param name="ranks">The ranks there are; version 0.2 falls back to a batch for these alone when they fit no other.</param>
    /// <exception cref="InvalidOptionsException">Nothing fits the options.</exception>
    public static ElasticBatch Batch(ElasticityOptions options, int ranks)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        InvalidOptionsException.ThrowIfAny(options.Faults());
        if (options.Version == 0.1)
        {
            var (batch, sizes) = Best(options.MicroBatchSizes, options.MaxTrainBatchSize, options.MinRanks, options.MaxRanks, options.PreferLargerBatch);
            return new(batch, sizes, MicroOf(batch, ranks, options, largest: true));
        }

        var perHost = options.RanksPerHost / options.ModelParallelSize;
        var (perHostBatch, hosts) = Best(options.MicroBatchSizes, options.MaxTrainBatchSize / perHost, options.MinRanks / options.RanksPerHost, options.MaxRanks / options.RanksPerHost, options.PreferLargerBatch);
        int[] valid = [.. hosts.Select(count => count * perHost)];
        var whole = perHostBatch * perHost;
        var dataParallel = ranks / options.ModelParallelSize;
        if (valid.Contains(dataParallel)) return new(whole, valid, MicroOf(whole, ranks, options, options.PreferLargerBatch));

        // What these ranks can have at most.
        var candidates = options.MicroBatchSizes.Select(micro => options.MaxTrainBatchSize / ((long)micro * dataParallel) * micro * dataParallel).Where(batch => batch > 0).ToList();
        if (candidates.Count == 0) return new(whole, valid, null);
        var own = options.PreferLargerBatch ? candidates.Max() : candidates.Min();
        return new(own, [dataParallel], MicroOf(own, ranks, options, options.PreferLargerBatch));
    }

    static (long Batch, int[] Ranks) Best(IReadOnlyList<int> micro, long most, int minRanks, int maxRanks, bool preferLarger)
    {
        var (least, mostRanks) = (minRanks == 0 ? 1 : minRanks, maxRanks == 0 ? (int)Math.Min(int.MaxValue, most / micro.Min()) : maxRanks);
        (long Batch, int[] Ranks) best = (micro.Min(), []);
        foreach (var batch in Candidates(micro, most))
        {
            var ranks = Divisors(batch, micro, least, mostRanks);
            if (ranks.Length > best.Ranks.Length || (ranks.Length == best.Ranks.Length && (preferLarger ? batch > best.Batch : batch < best.Batch))) best = (batch, ranks);
        }
        return best;
    }

    static SortedSet<long> Candidates(IReadOnlyList<int> micro, long most)
    {
        var candidates = new SortedSet<long>();
        foreach (var @base in micro.Select(size => (long)size).Append(LeastCommonMultiple(micro, most)))
        {
            if (@base > most) continue;
            var scale = 1L;
            foreach (var number in Composite)
                if (number <= most / @base) scale = number;
            candidates.Add(scale * @base);
        }
        return candidates;
    }

    // Numbers of ranks among which the batch is divided in whole microbatches of one of the sizes.
    static int[] Divisors(long batch, IReadOnlyList<int> micro, int least, int most)
    {
        var ranks = new SortedSet<int>();
        foreach (var size in micro)
        {
            if (batch % size != 0) continue;
            var shares = batch / size;
            for (long i = 1; i * i <= shares; i++)
            {
                if (shares % i != 0) continue;
                if (i >= least && i <= most) ranks.Add((int)i);
                if (shares / i >= least && shares / i <= most) ranks.Add((int)(shares / i));
            }
        }
        return [.. ranks];
    }

    static int? MicroOf(long batch, int ranks, ElasticityOptions options, bool largest)
    {
        var fitting = options.MicroBatchSizes.Where(size => batch / ranks % size == 0).ToList();
        return fitting.Count == 0 ? null : largest ? fitting.Max() : fitting[0];
    }

    // One above the bound once it is passed: then it is no base.
    static long LeastCommonMultiple(IReadOnlyList<int> numbers, long bound)
    {
        var multiple = 1L;
        foreach (var number in numbers)
        {
            var (a, b) = (multiple, (long)number);
            while (b != 0) (a, b) = (b, a % b);
            multiple = multiple / a * number;
            if (multiple > bound) return bound + 1;
        }
        return multiple;
    }
}

/// <summary>What an elastic batch may be: the section <c>elasticity</c>.</summary>
public sealed record ElasticityOptions
{
    const int MostSizes = 64;

    /// <summary>The largest global batch.</summary>
    /// <value>Default 2000. DeepSpeed's <c>max_train_batch_size</c>.</value>
    public long MaxTrainBatchSize { get; init; } = 2000;

    /// <summary>The microbatches allowed.</summary>
    /// <value>Default 2, 4, 6; at most 64. DeepSpeed's <c>micro_batch_sizes</c>.</value>
    public IReadOnlyList<int> MicroBatchSizes { get; init; } = [2, 4, 6];

    /// <summary>The fewest ranks.</summary>
    /// <value>Default 1. DeepSpeed's <c>min_gpus</c>.</value>
    public int MinRanks { get; init; } = 1;

    /// <summary>The most ranks.</summary>
    /// <value>Default 10,000. DeepSpeed's <c>max_gpus</c>.</value>
    public int MaxRanks { get; init; } = 10_000;

    /// <summary>Ranks of a host, of which all come and go together; version 0.2.</summary>
    /// <value>Default 1. DeepSpeed's <c>num_gpus_per_node</c>.</value>
    public int RanksPerHost { get; init; } = 1;

    /// <summary>Ranks that hold one model among them; version 0.2.</summary>
    /// <value>Default 1. DeepSpeed's <c>model_parallel_size</c>.</value>
    public int ModelParallelSize { get; init; } = 1;

    /// <summary>Whether the larger of two batches is taken that fit equally many numbers of ranks.</summary>
    /// <value>Default true. DeepSpeed's <c>prefer_larger_batch</c>.</value>
    public bool PreferLargerBatch { get; init; } = true;

    /// <summary>Which of its arithmetics: 0.1 by ranks, 0.2 by hosts.</summary>
    /// <value>Default 0.2.</value>
    public double Version { get; init; } = 0.2;

    /// <summary>What can't be.</summary>
    public IReadOnlyList<OptionFault> Faults()
    {
        var faults = new List<OptionFault>();
        void Add(string key, FormattableString message) => faults.Add(new("elasticity." + key, FormattableString.Invariant(message)));

        if (Version is not (0.1 or 0.2)) Add("version", $"= {Version}; allowed: 0.1 and 0.2");
        if (MaxTrainBatchSize is < 1 or > int.MaxValue) Add("max_train_batch_size", $"= {MaxTrainBatchSize}; allowed: 1 to {int.MaxValue}");
        if (MicroBatchSizes.Count > MostSizes) Add("micro_batch_sizes", $"has {MicroBatchSizes.Count} sizes; at most {MostSizes} are allowed");
        if (MicroBatchSizes.Count == 0) Add("micro_batch_sizes", $"is empty; at least one microbatch is needed");
        if (MicroBatchSizes.Any(size => size < 1)) Add("micro_batch_sizes", $"has {MicroBatchSizes.Min()}; allowed: 1 and more");
        if (MinRanks < 1 || MaxRanks < MinRanks) Add("min_gpus", $"= {MinRanks} and max_gpus = {MaxRanks}; the first is 1 at least and the second not below it");
        if (RanksPerHost < 1) Add("num_gpus_per_node", $"= {RanksPerHost}; allowed: 1 and more");
        if (ModelParallelSize < 1) Add("model_parallel_size", $"= {ModelParallelSize}; allowed: 1 and more");
        if (ModelParallelSize > 1 && Version == 0.1) Add("model_parallel_size", $"= {ModelParallelSize} needs version 0.2");
        if (RanksPerHost >= 1 && ModelParallelSize >= 1)
        {
            if (RanksPerHost % ModelParallelSize != 0) Add("num_gpus_per_node", $"= {RanksPerHost} is no multiple of model_parallel_size = {ModelParallelSize}");
            else if (Version == 0.2 && MicroBatchSizes.Any(size => size > MaxTrainBatchSize / (RanksPerHost / ModelParallelSize))) Add("micro_batch_sizes", $"has {MicroBatchSizes.Max()}, but a host's share of max_train_batch_size is {MaxTrainBatchSize / (RanksPerHost / ModelParallelSize)}");
            else if (Version == 0.1 && MicroBatchSizes.Any(size => size > MaxTrainBatchSize)) Add("micro_batch_sizes", $"has {MicroBatchSizes.Max()}, above max_train_batch_size = {MaxTrainBatchSize}");
        }
        return faults;
    }
}

/// <summary>An elastic batch.</summary>
/// <param name="TrainBatchSize">Samples of a step over all ranks.</param>
/// <param name="Ranks">How many data-parallel ranks it is for, rising.</param>
/// <param name="MicroBatchSize">The microbatch of the ranks there are; null when none divides their share.</param>
public sealed record ElasticBatch(long TrainBatchSize, IReadOnlyList<int> Ranks, int? MicroBatchSize)
{
    /// <summary>The largest number of ranks allowed that is no more than <paramref name="available"/>: what to go on with when a host is lost; null for none.</summary>
    public int? RanksWithin(int available)
    {
        int? best = null;
        foreach (var ranks in Ranks)
            if (ranks <= available) best = ranks;
        return best;
    }
}
