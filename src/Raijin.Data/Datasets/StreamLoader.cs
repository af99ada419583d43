using System.Globalization;

namespace Raijin.Data;

/// <summary>Batches of a stream. The samples of a batch are read together for all ranks, and each rank collates its own part.</summary>
sealed class StreamLoader<T, TBatch> : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    readonly StreamDataset<T> _stream;
    readonly LoaderOptions _options;
    readonly Func<IReadOnlyList<T>, TBatch> _collate;
    readonly RankShare _share;

    public StreamLoader(StreamDataset<T> stream, LoaderOptions options, Func<IReadOnlyList<T>, TBatch> collate)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfInvalid(count: null);
        (_stream, _options, _collate) = (stream, options, collate);
        _share = new RankShare(options.BatchSize, options.Remainder);
    }

    StreamLoader(StreamLoader<T, TBatch> all, RankShare share) =>
        (_stream, _options, _collate, _share) = (all._stream, all._options, all._collate, share);

    public override long? BatchesPerEpoch
    {
        get
        {
            if (_stream.Count is not { } count) return null;
            var (full, left) = Math.DivRem(count, _share.Together);
            return left > 0 && _share.Of(left).Size > 0 ? full + 1 : full;
        }
    }

    public override string Fingerprint
    {
        get
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"stream of {Length}, batch {_share.BatchSize}, remainder {_share.Remainder}, world {_share.World}{Identity}");
        }
    }

    public override EpochLayout Layout => new($"stream of {Length}, remainder {_share.Remainder}{Identity}", _share.Together);

    string Length => _stream.Count is { } count ? string.Create(CultureInfo.InvariantCulture, $"{count} samples") : "unknown length";

    string Identity => _stream.Identity.Length == 0 ? "" : $", {_stream.Identity}";

    public override DataLoader<TBatch> Shard(int rank, int world) => new StreamLoader<T, TBatch>(this, _share.Shard(rank, world));

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        if (BatchesPerEpoch is { } batches) ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, batches);
        return new StreamSource(this, epoch, firstBatch).Read(_options, cancellationToken);
    }

    sealed class StreamSource(StreamLoader<T, TBatch> loader, long epoch, long next) : BatchSource<TBatch>
    {
        IEnumerator<T>? _samples;
        long _next = next;

        public override BatchWork<TBatch>? Next(CancellationToken cancellationToken)
        {
            var share = loader._share;
            var first = _next * share.Together;
            var common = new List<T>((int)Math.Min(share.Together, 4096));
            try
            {
                _samples ??= loader._stream.Read(epoch, first, cancellationToken).GetEnumerator();
                while (common.Count < share.Together && _samples.MoveNext()) common.Add(_samples.Current);
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                throw new DataLoaderException(epoch, _next, first + common.Count, error);
            }

            var (from, size) = share.Of(common.Count);
            if (size == 0) return null;
            var samples = new T[size];
            for (var i = 0; i < size; i++) samples[i] = common[(int)((from + i) % common.Count)];
            return new StreamWork(loader, samples, epoch, _next++);
        }

        public override void Dispose() => _samples?.Dispose();
    }

    sealed class StreamWork(StreamLoader<T, TBatch> loader, T[] samples, long epoch, long batch) : BatchWork<TBatch>(epoch, batch)
    {
        protected override TBatch Make(CancellationToken cancellationToken) => loader._collate(samples);
    }
}
