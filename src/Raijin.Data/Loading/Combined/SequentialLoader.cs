using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>All batches of one loader after all of another.</summary>
sealed class SequentialLoader<TBatch> : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    readonly DataLoader<TBatch>[] _loaders;

    public SequentialLoader(DataLoader<TBatch>[] loaders)
    {
        _loaders = loaders;
        var faults = new List<OptionFault>();
        for (var i = 0; i < loaders.Length - 1; i++) Combining.AddFaults(faults, $"loaders[{i}]", loaders[i].BatchesPerEpoch, orEmpty: true);
        InvalidOptionsException.ThrowIfAny(faults);
    }

    public override long? BatchesPerEpoch => _loaders.Aggregate((long?)0, (sum, loader) => sum + loader.BatchesPerEpoch);

    public override string Fingerprint => $"in sequence [{string.Join("] [", _loaders.Select(loader => loader.Fingerprint))}]";

    public override DataLoader<TBatch> Shard(int rank, int world) =>
        new SequentialLoader<TBatch>(Array.ConvertAll(_loaders, loader => loader.Shard(rank, world)));

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        if (BatchesPerEpoch is { } batches) ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, batches);
        var at = 0;
        while (at < _loaders.Length - 1 && firstBatch >= _loaders[at].BatchesPerEpoch) firstBatch -= _loaders[at++].BatchesPerEpoch!.Value;
        return new Reader(_loaders, at, epoch, firstBatch, cancellationToken);
    }

    sealed class Reader(DataLoader<TBatch>[] loaders, int at, long epoch, long firstBatch, CancellationToken cancellationToken) : BatchReader<TBatch>
    {
        int _at = at;
        BatchReader<TBatch>? _reader = loaders[at].Open(epoch, firstBatch, cancellationToken);

        protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
        {
            batch = default;
            while (_reader is not null)
            {
                if (_reader.MoveNext())
                {
                    batch = _reader.Current;
                    return true;
                }
                Dispose();
                if (++_at < loaders.Length) _reader = loaders[_at].Open(epoch, 0, cancellationToken);
            }
            return false;
        }

        public override void Dispose()
        {
            _reader?.Dispose();
            _reader = null;
        }
    }
}
