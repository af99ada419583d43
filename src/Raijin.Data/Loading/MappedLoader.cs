using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>The batches of another loader put through a function, on the thread that asks.</summary>
sealed class MappedLoader<TSource, TBatch>(DataLoader<TSource> source, Func<TSource, TBatch> map) : DataLoader<TBatch>
    where TSource : IBatch<TSource> where TBatch : IBatch<TBatch>
{
    public override long? BatchesPerEpoch => source.BatchesPerEpoch;

    public override string Fingerprint => source.Fingerprint;

    public override EpochLayout? Layout => source.Layout;

    public override DataLoader<TBatch> Shard(int rank, int world) => new MappedLoader<TSource, TBatch>(source.Shard(rank, world), map);

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default) =>
        new Reader(source.Open(epoch, firstBatch, cancellationToken), map);

    sealed class Reader(BatchReader<TSource> reader, Func<TSource, TBatch> map) : BatchReader<TBatch>
    {
        protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
        {
            batch = default;
            if (!reader.MoveNext()) return false;
            batch = map(reader.Current);
            return true;
        }

        public override void Dispose() => reader.Dispose();
    }
}
