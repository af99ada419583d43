using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

// The one place that may seed libtorch.
#pragma warning disable RS0030

namespace Raijin;

/// <summary>The one door through which randomness is seeded.</summary>
public static class Seed
{
    /// <summary>Our own process-wide stream: (seed, stream = rank). Started by <see cref="Everything"/>, 0 before.</summary>
    public static RandomStream Stream { get; internal set; } = new(0);

    /// <summary>Whether <see cref="Everything"/> was called in this process: before, a model's first weights differ from run to run.</summary>
    public static bool IsSet { get; private set; }

    /// <summary>
    /// Seeds libtorch's default generators, of the CPU and of every GPU it can use, and our own stream. Rank 0 gives libtorch the seed itself,
    /// so it draws what any other program draws after <c>manual_seed</c>; every other rank gets a seed of its own.
    /// </summary>
    /// <param name="seed">The run's seed; any number.</param>
    /// <param name="rank">The rank of this process. Ranks that are threads of one process take a <see cref="RankRandom"/> each instead.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rank"/> is negative.</exception>
    public static void Everything(long seed, int rank = 0)
    {
        var derived = OfRank(seed, rank);
        torch.manual_seed(derived).Dispose();
        if (cuda.is_available()) cuda.manual_seed_all(derived);
        Stream = new RandomStream((ulong)seed, (ulong)rank);
        IsSet = true;
    }

    /// <summary>The seed of a rank's libtorch generators.</summary>
    internal static long OfRank(long seed, int rank)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        if (rank == 0) return seed;
        // One word pair of a stream that no RandomStream of a rank reads.
        return (long)(RandomStream.At((ulong)seed, ulong.MaxValue, 2 * (ulong)rank) | ((ulong)RandomStream.At((ulong)seed, ulong.MaxValue, 2 * (ulong)rank + 1) << 32));
    }
}
