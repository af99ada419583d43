namespace Raijin.Data;

/// <summary>
/// Which random streams of a seed loaders draw from. A loader often has the run's own seed, whose low streams are the ranks': these lie far
/// from them, and a purpose's far from another's.
/// </summary>
static class LoaderStreams
{
    const ulong Splits = 1UL << 61, Orders = 1UL << 62, Samples = 1UL << 63;
    const int WordsOfSampleLog2 = 24;

    /// <summary>What divides a set.</summary>
    public static RandomStream Split(ulong seed) => new(seed, Splits);

    /// <summary>What orders an epoch.</summary>
    public static RandomStream Order(ulong seed, long epoch) => new(seed, Orders + (ulong)epoch);

    /// <summary>What a transform of a sample draws from: 2^24 words of its own in each epoch.</summary>
    public static RandomStream Sample(ulong seed, long epoch, long index) => new(seed, Samples + (ulong)epoch, (ulong)index << WordsOfSampleLog2);
}
