using System.Globalization;

namespace Raijin;

/// <summary>What becomes of the samples that do not fill a batch on every rank.</summary>
public enum Remainder
{
    /// <summary>
    /// They make a last, shorter batch of the same size on every rank: where they do not divide evenly, some of them, fewer than there are
    /// ranks, are taken twice (when they are fewer than the ranks: often enough to give each rank one). Every rank gets the same number of
    /// batches. On one rank nothing is repeated. For training.
    /// </summary>
    Wrap,

    /// <summary>
    /// They are left out of the epoch (in a shuffled one, others each time). Every batch is full, on every rank. For training.
    /// </summary>
    Drop,

    /// <summary>
    /// They make a last batch whose size may differ by one between ranks, and which some ranks may not have: every sample exactly once over
    /// all ranks. For validation and test.
    /// </summary>
    Exact,
}

/// <summary>
/// How a loader makes batches of a dataset. The defaults are for training; <see cref="ForEvaluation"/> gives the other ones.
/// </summary>
public sealed record LoaderOptions
{
    /// <summary>Samples a batch, on each rank. <value>Default 32; 1 or more, at most the samples of the dataset.</value></summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether each epoch has its own random order. <value>Default true; <see cref="ForEvaluation"/>: false.</value></summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// Chooses the samples of an epoch instead of a shuffle: by weight, balanced by class. It is made for one dataset, so <see
    /// cref="ForEvaluation"/> leaves it out. <value>Default none; excludes <see cref="Shuffle"/> = false and streams.</value>
    /// </summary>
    public Sampler? Sampler { get; init; }

    /// <summary>Seed of the orders and of the random streams of transforms. <value>Default 0; any value.</value></summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// What becomes of the samples that do not fill a batch. <value>Default <see cref="Remainder.Wrap"/>; <see cref="ForEvaluation"/>: <see
    /// cref="Remainder.Exact"/>.</value>
    /// </summary>
    public Remainder Remainder { get; init; } = Remainder.Wrap;

    /// <summary>
    /// Threads that read samples ahead; 0 reads on the thread that asks. In-memory tensor sets gather a batch in microseconds, need no
    /// workers and start none. The batches are the same whatever the number. <value>Default 0; 0 to 1024.</value>
    /// </summary>
    public int Workers { get; init; }

    /// <summary>
    /// Batches that the workers may hold ready, finished and under way together. <value>Default 2 for each worker; at least <see
    /// cref="Workers"/>.</value>
    /// </summary>
    public int? Prefetch { get; init; }

    /// <summary>
    /// The longest wait for a batch of the workers, and for a worker to end; without workers nothing waits. <value>Default none: a wait
    /// ends with its batch, or by cancellation.</value>
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The same options in dataset order, every sample exactly once.</summary>
    public LoaderOptions ForEvaluation() => this with { Shuffle = false, Sampler = null, Remainder = Remainder.Exact };

    // A part that is held out may be smaller than a training batch.
    internal LoaderOptions ForHeldOut(long count) => ForEvaluation() with { BatchSize = (int)Math.Min(BatchSize, Math.Max(1, count)) };

    internal int PrefetchOrDefault => Prefetch ?? 2 * Workers;

    // count: samples of the dataset; null for a stream, whose samples nobody has counted.
    internal void ThrowIfInvalid(long? count) => InvalidOptionsException.ThrowIfAny(FaultsFor(count));

    internal List<OptionFault> FaultsFor(long? count)
    {
        var faults = new List<OptionFault>();
        if (count <= 0) faults.Add(new("dataset", "has no samples; look at what it was read from, or at the split that made it"));
        if (BatchSize <= 0)
            faults.Add(new("loader.batchSize", Text($"= {BatchSize}; give 1 or more")));
        else if (count > 0 && BatchSize > count && Sampler is null)
            faults.Add(new("loader.batchSize", Text($"= {BatchSize}, but the dataset has {count} samples; give at most that")));
        if (Sampler is { } sampler) Check(sampler, count, faults);
        if (count is null && Shuffle)
            faults.Add(new("loader.shuffle", "= true, but a stream comes in its own order; shuffle what it reads, and set this to false"));
        if (!Enum.IsDefined(Remainder))
            faults.Add(new("loader.remainder", $"= {Remainder}; allowed: {string.Join(", ", Enum.GetNames<Remainder>())}"));
        if (Workers is < 0 or > 1024)
            faults.Add(new("loader.workers", Text($"= {Workers}; allowed: 0 to 1024")));
        else if (Prefetch < Workers || Prefetch < 1)
            faults.Add(new("loader.prefetch", Text($"= {Prefetch}, but {Workers} workers are to be kept busy; give at least {Math.Max(1, Workers)}")));
        if (Timeout <= TimeSpan.Zero)
            faults.Add(new("loader.timeout", Text($"= {Timeout}; give a positive time, or none to wait without end")));
        return faults;
    }

    void Check(Sampler sampler, long? count, List<OptionFault> faults)
    {
        if (count is null)
            faults.Add(new("loader.sampler", "is given, but a stream comes in its own order; leave it out"));
        else if (sampler.Count != count)
            faults.Add(new("loader.sampler", Text($"is made for {sampler.Count} samples, but the dataset has {count}; make it of this part's weights or labels")));
        if (count is not null && !Shuffle)
            faults.Add(new("loader.shuffle", "= false, but a sampler draws at random; leave one of the two out"));
        if (BatchSize > sampler.Draws)
            faults.Add(new("loader.batchSize", Text($"= {BatchSize}, but the sampler draws {sampler.Draws} samples an epoch; give at most that")));
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
