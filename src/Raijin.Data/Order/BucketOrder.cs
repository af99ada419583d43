// Samples by falling length, in buckets; batches are runs of this list, fixed for good; w batches that follow each other are a step.
//
//   bucket     |  longest ...      |  shorter ...         |  ...    |       epoch e permutes the samples inside a bucket
//   batch      |  0  |  1  |  2    |  3   |   4    |   5  |    6    |       and the steps
//   step, w=2  |     0     |       1      |        2      |  rest   |
//
// Sample q of the list in epoch e is list[first of its bucket + permutation of (bucket, e)], so a batch costs a search and its samples.
// What no step of w batches takes is the last step: the shortest samples, which are cheap and divide well.

using System.Globalization;

namespace Raijin.Data;

/// <summary>Batches of samples of similar length.</summary>
public sealed class BucketOrder : BatchOrder
{
    // The plan, shared by all ranks. Bucket k is _samples[_buckets[k] .. _buckets[k + 1]], batch b _samples[_batches[b] .. _batches[b + 1]].
    readonly int[] _samples;
    readonly int[] _buckets;
    readonly int[] _batches;
    readonly bool _lastIsShort;

    readonly LoaderOptions _options;
    readonly string _plan;
    readonly int _rank, _world = 1;
    readonly long _steps;
    // This rank's batch of the last step, where what is left over makes one.
    readonly Range? _rest;

    /// <summary>The plan of one process, alone.</summary>
    /// <param name="count">Samples of the dataset.</param>
    /// <param name="options">How to make batches of them.</param>
    /// <param name="buckets">Their lengths, and how they are put together.</param>
    /// <exception cref="InvalidOptionsException">Names every fault of both.</exception>
    public BucketOrder(long count, LoaderOptions options, LengthBuckets buckets)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(buckets);
        var faults = options.FaultsFor(count);
        buckets.AddFaults(count, options, faults);
        InvalidOptionsException.ThrowIfAny(faults);
        _options = options;

        var lengths = buckets.Lengths.ToArray();
        _samples = [.. Enumerable.Range(0, lengths.Length).OrderByDescending(sample => lengths[sample])];
        var (bucketStarts, batchStarts) = (new List<int>(), new List<int>());
        var (longestOfBucket, longestOfBatch) = (0, 0);
        long padded = 0;
        for (var i = 0; i < _samples.Length; i++)
        {
            var length = lengths[_samples[i]];
            if (i == 0 || length < Math.Ceiling(longestOfBucket * (1 - buckets.MaxPadding)))
            {
                bucketStarts.Add(i);
                longestOfBucket = length;
            }
            var size = i == 0 ? 0 : i - batchStarts[^1];
            if (i == 0 || size == options.BatchSize || (size + 1L) * longestOfBatch > buckets.MaxTokens)
            {
                batchStarts.Add(i);
                longestOfBatch = longestOfBucket;
            }
            padded += longestOfBatch;
        }
        _buckets = [.. bucketStarts, _samples.Length];
        _batches = [.. batchStarts, _samples.Length];
        _lastIsShort = buckets.MaxTokens is null && _batches[^1] - _batches[^2] < options.BatchSize;
        PaddingShare = padded == 0 ? 0 : 1 - lengths.Sum(length => (long)length) / (double)padded;

        var budget = buckets.MaxTokens is { } tokens ? $" and {tokens} tokens" : "";
        _plan = string.Create(CultureInfo.InvariantCulture,
            $"{count} samples by lengths {Sampler.Digest<int>(lengths)}, at most {options.BatchSize}{budget} a batch, buckets to {buckets.MaxPadding}");
        (_steps, _rest) = Share();
    }

    BucketOrder(BucketOrder all, int rank, int world)
    {
        (_samples, _buckets, _batches, _lastIsShort) = (all._samples, all._buckets, all._batches, all._lastIsShort);
        (_options, _plan, PaddingShare) = (all._options, all._plan, all.PaddingShare);
        (_rank, _world) = (rank, world);
        (_steps, _rest) = Share();
    }

    /// <summary>The most of an epoch's tensors that can be padding, as a share of their elements, over all ranks.</summary>
    public double PaddingShare { get; }

    /// <inheritdoc/>
    public override long Batches => _steps + (_rest is null ? 0 : 1);

    /// <inheritdoc/>
    public override int BatchSize => _options.BatchSize;

    /// <inheritdoc/>
    public override string Fingerprint => string.Create(CultureInfo.InvariantCulture,
        $"{_plan}, {(_options.Shuffle ? $"shuffled by seed {_options.Seed}" : "longest first")}, remainder {_options.Remainder}, world {_world}");

    /// <inheritdoc/>
    public override BatchOrder Shard(int rank, int world)
    {
        // Checks the numbers as every other order does.
        new RankShare(BatchSize, _options.Remainder, _rank, _world).Shard(rank, world);
        var shard = new BucketOrder(this, rank, world);
        if (shard.Batches == 0 && _options.Remainder == Remainder.Drop)
        {
            var fault = string.Create(CultureInfo.InvariantCulture,
                $"= {BatchSize} makes {_batches.Length - 1} batches, too few for {world} ranks, and what fills no step is dropped; lower it or keep the remainder");
            InvalidOptionsException.ThrowIfAny([new("loader.batchSize", fault)]);
        }
        return shard;
    }

    // Steps in which every rank has one of the plan's batches, and this rank's batch of the last one.
    (long Steps, Range? Last) Share()
    {
        var full = _batches.Length - 1 - (_lastIsShort ? 1 : 0);
        var steps = full / _world;
        var parts = new List<Range>();
        for (var b = steps * _world; b < _batches.Length - 1; b++) parts.Add(_batches[b].._batches[b + 1]);
        if (parts.Count == 0 || _options.Remainder == Remainder.Drop) return (steps, null);

        // A half is never longer or larger than its whole, so the bounds of a batch hold for it.
        while (parts.Count < _world && parts.MaxBy(Size) is var largest && Size(largest) > 1)
        {
            var middle = largest.Start.Value + (Size(largest) + 1) / 2;
            var at = parts.IndexOf(largest);
            parts[at] = largest.Start.Value..middle;
            parts.Insert(at + 1, middle..largest.End.Value);
        }
        if (_rank < parts.Count) return (steps, parts[_rank]);
        return (steps, _options.Remainder == Remainder.Wrap ? parts[_rank % parts.Count] : null);
    }

    static int Size(Range part) => part.End.Value - part.Start.Value;

    /// <inheritdoc/>
    public override EpochBatches OfEpoch(long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return new Epoch(this, epoch);
    }

    sealed class Epoch(BucketOrder order, long epoch) : EpochBatches
    {
        readonly RandomPermutation? _steps = order._options.Shuffle && order._steps > 0
            ? new RandomPermutation(order._steps, LoaderStreams.Bucket(order._options.Seed, epoch, part: 0))
            : null;

        // Made when first asked for; two threads that make one make the same.
        readonly RandomPermutation?[] _inBucket = new RandomPermutation?[order._buckets.Length - 1];

        public override Span<long> Fill(long batch, Span<long> samples)
        {
            var run = batch == order._steps ? order._rest!.Value : OfStep(_steps?[batch] ?? batch);
            samples = samples[..Size(run)];
            var bucket = Array.BinarySearch(order._buckets, run.Start.Value);
            if (bucket < 0) bucket = ~bucket - 1;
            for (var i = 0; i < samples.Length; i++)
            {
                var at = run.Start.Value + i;
                while (at >= order._buckets[bucket + 1]) bucket++;
                samples[i] = order._samples[InBucket(bucket, at)];
            }
            return samples;
        }

        Range OfStep(long step)
        {
            var batch = step * order._world + order._rank;
            return order._batches[batch]..order._batches[batch + 1];
        }

        long InBucket(int bucket, int at)
        {
            if (!order._options.Shuffle) return at;
            var first = order._buckets[bucket];
            var within = _inBucket[bucket] ??= new RandomPermutation(
                order._buckets[bucket + 1] - first, LoaderStreams.Bucket(order._options.Seed, epoch, bucket + 1));
            return first + within[at - first];
        }
    }
}
