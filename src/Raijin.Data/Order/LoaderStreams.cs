namespace Raijin.Data;

/// <summary>
/// Which random streams of a seed loaders draw from. A loader often has the run's own seed, whose low streams are the ranks': these lie far
/// from them, and a purpose's far from another's.
/// </summary>
static class LoaderStreams
{
    // The highest three bits name the purpose, the others the epoch.
    const ulong Splits = 1UL << 61, Orders = 2UL << 61, Draws = 3UL << 61, Samples = 4UL << 61, Mixes = 5UL << 61, Buckets = 6UL << 61, Buffers = 7UL << 61;
    const int WordsOfSampleLog2 = 24;
    const int WordsOfPartLog2 = 8;

    /// <summary>What divides a set.</summary>
    public static RandomStream Split(ulong seed, long part = 0) => new(seed, Splits, (ulong)part << WordsOfPartLog2);

    /// <summary>What orders an epoch.</summary>
    public static RandomStream Order(ulong seed, long epoch) => new(seed, Orders + (ulong)epoch);

    /// <summary>What a sampler draws an epoch by, from the given word on.</summary>
    public static RandomStream Draw(ulong seed, long epoch, long word) => new(seed, Draws + (ulong)epoch, (ulong)word);

    /// <summary>What orders one of the parts that a sampler makes an epoch of: room for one permutation each.</summary>
    public static RandomStream DrawPart(ulong seed, long epoch, long part) => Draw(seed, epoch, part << WordsOfPartLog2);

    /// <summary>What a transform of a sample draws from: 2^24 words of its own in each epoch.</summary>
    public static RandomStream Sample(ulong seed, long epoch, long index) => new(seed, Samples + (ulong)epoch, (ulong)index << WordsOfSampleLog2);

    /// <summary>What orders one block of a mixture.</summary>
    public static RandomStream Mix(ulong seed, long block) => new(seed, Mixes + (ulong)block);

    /// <summary>What orders a length bucket in an epoch; part 0: the steps of the epoch.</summary>
    public static RandomStream Bucket(ulong seed, long epoch, long part) => new(seed, Buckets + (ulong)epoch, (ulong)part << WordsOfPartLog2);

    /// <summary>What orders one block of a shuffled stream.</summary>
    public static RandomStream Buffer(ulong seed, long epoch, long block) => new(seed, Buffers + (ulong)epoch, (ulong)block << WordsOfPartLog2);
}
