namespace Raijin.Data;

/// <summary>Batches of a dataset whose samples are read one by one.</summary>
sealed class SampleLoader<T, TBatch> : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    readonly Dataset<T> _dataset;
    readonly LoaderOptions _options;
    readonly Func<IReadOnlyList<T>, TBatch> _collate;
    readonly BatchOrder _order;

    public SampleLoader(Dataset<T> dataset, LoaderOptions options, Func<IReadOnlyList<T>, TBatch> collate)
        : this(dataset, options, collate, new EpochOrder(dataset.Count, options)) { }

    public SampleLoader(Dataset<T> dataset, LoaderOptions options, Func<IReadOnlyList<T>, TBatch> collate, BatchOrder order) =>
        (_dataset, _options, _collate, _order) = (dataset, options, collate, order);

    public override long? BatchesPerEpoch => _order.Batches;

    public override string Fingerprint => _dataset.Identity.Length == 0 ? _order.Fingerprint : $"{_order.Fingerprint}, {_dataset.Identity}";

    public override EpochLayout? Layout => _order.Layout is { } layout ? layout with { Samples = _dataset.Identity.Length == 0 ? layout.Samples : $"{layout.Samples}, {_dataset.Identity}" } : null;

    public override DataLoader<TBatch> Shard(int rank, int world) =>
        new SampleLoader<T, TBatch>(_dataset, _options, _collate, _order.Shard(rank, world));

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default)
    {
        _order.CheckPosition(epoch, firstBatch);
        return new SampleSource(this, epoch, firstBatch).Read(_options, cancellationToken);
    }

    sealed class SampleSource(SampleLoader<T, TBatch> loader, long epoch, long next) : BatchSource<TBatch>
    {
        readonly EpochBatches _batches = loader._order.OfEpoch(epoch);
        readonly long _end = loader._order.Batches;
        long _next = next;

        public override BatchWork<TBatch>? Next(CancellationToken cancellationToken) =>
            _next < _end ? new SampleWork(loader, _batches, epoch, _next++) : null;

        public override void Dispose() => _next = _end;
    }

    sealed class SampleWork(SampleLoader<T, TBatch> loader, EpochBatches batches, long epoch, long batch) : BatchWork<TBatch>(epoch, batch)
    {
        protected override TBatch Make(CancellationToken cancellationToken)
        {
            var indices = batches.Fill(Batch, new long[loader._order.BatchSize]);
            var samples = new T[indices.Length];
            for (var i = 0; i < samples.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Reading(indices[i]);
                samples[i] = loader._dataset.Get(new SampleRequest(indices[i], Epoch, loader._options.Seed, cancellationToken));
            }
            Collating();
            return loader._collate(samples);
        }
    }
}
