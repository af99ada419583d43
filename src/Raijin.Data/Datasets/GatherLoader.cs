using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>Batches of a set of tensors: made by one gather each, on the thread that asks.</summary>
sealed class GatherLoader<TBatch>(TensorDataset<TBatch> dataset, BatchOrder order) : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    public override long? BatchesPerEpoch => order.Batches;

    public override string Fingerprint => dataset.Identity.Length == 0 ? order.Fingerprint : $"{order.Fingerprint}, {dataset.Identity}";

    public override EpochLayout? Layout => order.Layout is { } layout ? layout with { Samples = dataset.Identity.Length == 0 ? layout.Samples : $"{layout.Samples}, {dataset.Identity}" } : null;

    public override DataLoader<TBatch> Shard(int rank, int world) => new GatherLoader<TBatch>(dataset, order.Shard(rank, world));

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default)
    {
        order.CheckPosition(epoch, firstBatch);
        return new Reader(dataset, order, epoch, firstBatch, cancellationToken);
    }

    sealed class Reader(TensorDataset<TBatch> dataset, BatchOrder order, long epoch, long next, CancellationToken cancellationToken)
        : BatchReader<TBatch>
    {
        readonly EpochBatches _batches = order.OfEpoch(epoch);
        readonly long _end = order.Batches;
        readonly long[] _samples = new long[order.BatchSize];
        long _next = next;

        protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            batch = default;
            if (_next >= _end) return false;
            batch = dataset.GatherInPlace(_batches.Fill(_next, _samples));
            _next++;
            return true;
        }

        public override void Dispose() => _next = _end;
    }
}
