using System.Diagnostics;

namespace Raijin.Data;

/// <summary>How ranks share the samples of one common batch: rank r takes the r-th part of it.</summary>
/// <param name="BatchSize">Samples of a full batch, on each rank.</param>
/// <param name="Remainder">How a common batch that is not full is shared.</param>
/// <param name="Rank">This rank.</param>
/// <param name="World">Ranks.</param>
public readonly record struct RankShare(int BatchSize, Remainder Remainder, int Rank = 0, int World = 1)
{
    /// <summary>Samples of a full batch, over all ranks.</summary>
    public long Together => (long)BatchSize * World;

    /// <summary>This rank's part of a common batch.</summary>
    /// <param name="samples">Samples in the common batch, 0 to <see cref="Together"/>.</param>
    /// <returns>
    /// Where its part begins in the common batch and how many samples it has. Under <see cref="Remainder.Wrap"/> it may reach beyond the
    /// end, and then goes on at the beginning of the common batch.
    /// </returns>
    public (long First, int Size) Of(long samples)
    {
        if (samples == Together) return ((long)Rank * BatchSize, BatchSize);
        switch (Remainder)
        {
            case Remainder.Drop:
                return (0, 0);
            case Remainder.Wrap:
                var size = (samples + World - 1) / World;
                return (Rank * size, (int)size);
            case Remainder.Exact:
                // The first (samples mod World) ranks take one more.
                var (each, more) = Math.DivRem(samples, World);
                return (each * Rank + Math.Min(Rank, more), (int)(each + (Rank < more ? 1 : 0)));
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>One rank's share of what was one process's.</summary>
    /// <exception cref="InvalidOperationException">This is one rank's share already.</exception>
    public RankShare Shard(int rank, int world)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(world);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, world);
        if (World > 1) throw new InvalidOperationException($"This loader is rank {Rank} of {World} already: shard the loader of the whole dataset.");
        return this with { Rank = rank, World = world };
    }
}
