// n samples, B batch size, w ranks. Batch b of all ranks together is the slice [b·B·w, (b+1)·B·w) of the epoch's order; rank r takes the
// r-th part of it.
//
//   order    | rank 0 | rank 1 | rank 0 | rank 1 | r 0 | r 1 |        n = 2·B·w + m
//            '---- batch 0 ----'---- batch 1 ----'-- m left -'
//
// So the samples of a step do not depend on how many ranks share it, and a position is a multiplication.

using System.Globalization;

namespace Raijin.Data;

/// <summary>
/// Which samples make up which batch, on one rank: arithmetic on (seed, epoch, batch, rank, world) that holds no state and no table.
/// </summary>
public sealed class EpochOrder
{
    readonly RankShare _share;
    readonly bool _shuffle;
    readonly ulong _seed;

    /// <summary>The order of one process, alone.</summary>
    /// <param name="count">Samples of the dataset.</param>
    /// <param name="options">How to make batches of them.</param>
    /// <exception cref="InvalidOptionsException">
    /// Names every fault: an empty dataset, a batch size of 0 or above the samples, ….
    /// </exception>
    public EpochOrder(long count, LoaderOptions options)
        : this(count, Checked(count, options).Shuffle, options.Seed, new RankShare(options.BatchSize, options.Remainder)) { }

    EpochOrder(long count, bool shuffle, ulong seed, RankShare share) => (Count, _shuffle, _seed, _share) = (count, shuffle, seed, share);

    /// <summary>Samples of the dataset, over all ranks.</summary>
    public long Count { get; }

    /// <summary>Samples of a full batch, on each rank.</summary>
    public int BatchSize => _share.BatchSize;

    /// <summary>Batches of an epoch, on this rank.</summary>
    public long Batches
    {
        get
        {
            var (full, left) = Math.DivRem(Count, _share.Together);
            return left > 0 && _share.Of(left).Size > 0 ? full + 1 : full;
        }
    }

    /// <summary>What decides the samples of each batch, in words; the same on every rank.</summary>
    public string Fingerprint => string.Create(CultureInfo.InvariantCulture,
        $"{Count} samples, batch {BatchSize}, {(_shuffle ? $"shuffled by seed {_seed}" : "in order")}, remainder {_share.Remainder}, world {_share.World}");

    /// <summary>One rank's part of this order.</summary>
    /// <exception cref="InvalidOperationException">This is one rank's part already.</exception>
    /// <exception cref="InvalidOptionsException">
    /// No batch is left: the remainder is dropped, and the ranks together cannot fill one.
    /// </exception>
    public EpochOrder Shard(int rank, int world)
    {
        var share = _share.Shard(rank, world);
        if (share.Remainder == Remainder.Drop && Count < share.Together)
        {
            var fault = string.Create(CultureInfo.InvariantCulture,
                $"= {BatchSize} on {world} ranks takes {share.Together} samples, but the dataset has {Count} and what fills no batch is dropped");
            InvalidOptionsException.ThrowIfAny([new("loader.batchSize", fault + "; lower it or keep the remainder")]);
        }
        return new(Count, _shuffle, _seed, share);
    }

    /// <summary>The order of one epoch over all samples, or null when samples come in dataset order.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    public RandomPermutation? OfEpoch(long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return _shuffle ? new RandomPermutation(Count, LoaderStreams.Order(_seed, epoch)) : null;
    }

    /// <summary>Writes the dataset indices of a batch, on this rank.</summary>
    /// <param name="epoch">What <see cref="OfEpoch"/> gave for the epoch.</param>
    /// <param name="batch">Batch in the epoch, 0 to <see cref="Batches"/> − 1.</param>
    /// <param name="samples">At least <see cref="BatchSize"/> long.</param>
    /// <returns>The part of <paramref name="samples"/> that was written: all of a batch, less in the last.</returns>
    public Span<long> Fill(RandomPermutation? epoch, long batch, Span<long> samples)
    {
        var start = batch * _share.Together;
        var common = Math.Min(Count - start, _share.Together);
        var (first, size) = _share.Of(common);
        samples = samples[..size];
        for (var i = 0; i < size; i++)
        {
            var at = first + i;
            if (at >= common) at %= common;
            samples[i] = epoch is null ? start + at : epoch[start + at];
        }
        return samples;
    }

    /// <summary>Refuses a position outside an epoch; its end is inside.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative epoch or batch, or a batch beyond the end.</exception>
    public void CheckPosition(long epoch, long firstBatch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, Batches);
    }

    static LoaderOptions Checked(long count, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfInvalid(count);
        return options;
    }
}
