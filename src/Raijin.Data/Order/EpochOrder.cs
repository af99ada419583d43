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
/// Batches of one size: arithmetic on (seed, epoch, batch, rank, world) that holds no state and no table, over an order of the samples that
/// is the dataset's, shuffled, or a <see cref="Sampler"/>'s.
/// </summary>
public sealed class EpochOrder : BatchOrder
{
    readonly RankShare _share;
    readonly bool _shuffle;
    readonly ulong _seed;
    readonly Sampler? _sampler;

    /// <summary>The order of one process, alone.</summary>
    /// <param name="count">Samples of the dataset.</param>
    /// <param name="options">How to make batches of them.</param>
    /// <exception cref="InvalidOptionsException">
    /// Names every fault: an empty dataset, a batch size of 0 or above the samples, ….
    /// </exception>
    public EpochOrder(long count, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfInvalid(count);
        (_shuffle, _seed, _sampler) = (options.Shuffle, options.Seed, options.Sampler);
        Count = _sampler?.Draws ?? count;
        _share = new RankShare(options.BatchSize, options.Remainder);
    }

    EpochOrder(EpochOrder all, RankShare share) =>
        (Count, _shuffle, _seed, _sampler, _share) = (all.Count, all._shuffle, all._seed, all._sampler, share);

    /// <summary>Samples of an epoch, over all ranks.</summary>
    public long Count { get; }

    /// <inheritdoc/>
    public override int BatchSize => _share.BatchSize;

    /// <inheritdoc/>
    public override long Batches
    {
        get
        {
            var (full, left) = Math.DivRem(Count, _share.Together);
            return left > 0 && _share.Of(left).Size > 0 ? full + 1 : full;
        }
    }

    /// <inheritdoc/>
    public override string Fingerprint
    {
        get
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"{Count} samples, batch {BatchSize}, {How}, remainder {_share.Remainder}, world {_share.World}");
        }
    }

    /// <inheritdoc/>
    public override EpochLayout Layout => new(string.Create(CultureInfo.InvariantCulture, $"{Count} samples, {How}, remainder {_share.Remainder}"), _share.Together);

    string How => _sampler is { } sampler ? $"{sampler.Fingerprint} by seed {_seed}" : _shuffle ? $"shuffled by seed {_seed}" : "in order";

    /// <inheritdoc/>
    public override BatchOrder Shard(int rank, int world)
    {
        var share = _share.Shard(rank, world);
        if (share.Remainder == Remainder.Drop && Count < share.Together)
        {
            var fault = string.Create(CultureInfo.InvariantCulture,
                $"= {BatchSize} on {world} ranks takes {share.Together} samples, but the dataset has {Count} and what fills no batch is dropped");
            InvalidOptionsException.ThrowIfAny([new("loader.batchSize", fault + "; lower it or keep the remainder")]);
        }
        return new EpochOrder(this, share);
    }

    /// <inheritdoc/>
    public override EpochBatches OfEpoch(long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        var order = _sampler is { } sampler ? sampler.Order(_seed, epoch)
            : _shuffle ? new RandomPermutation(Count, LoaderStreams.Order(_seed, epoch))
            : (SampleOrder)DatasetOrder.Instance;
        return new Epoch(order, Count, _share);
    }

    sealed class Epoch(SampleOrder order, long count, RankShare share) : EpochBatches
    {
        public override Span<long> Fill(long batch, Span<long> samples)
        {
            var start = batch * share.Together;
            var common = Math.Min(count - start, share.Together);
            var (first, size) = share.Of(common);
            samples = samples[..size];
            // A wrapped part goes on at the beginning of its common batch, as often as it takes.
            for (var done = 0; done < size;)
            {
                var at = (first + done) % common;
                var run = (int)Math.Min(size - done, common - at);
                order.Fill(start + at, samples.Slice(done, run));
                done += run;
            }
            return samples;
        }
    }
}
