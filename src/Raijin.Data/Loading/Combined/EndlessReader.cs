using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>The batches of one epoch after the other: batch t of them all is batch t mod n of epoch t / n.</summary>
sealed class EndlessReader<TBatch>(DataLoader<TBatch> loader, long first, CancellationToken cancellationToken) : BatchReader<TBatch>
    where TBatch : IBatch<TBatch>
{
    readonly long _batches = loader.BatchesPerEpoch!.Value;
    long _next = first;
    BatchReader<TBatch>? _reader;
    bool _disposed;

    protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
    {
        batch = default;
        if (_disposed) return false;
        // Opened when the first batch is wanted: a reader that is never asked starts no workers.
        if (_reader is null || _next % _batches == 0)
        {
            _reader?.Dispose();
            _reader = null;
            _reader = loader.Open(_next / _batches, _next % _batches, cancellationToken);
        }
        if (!_reader.MoveNext())
            throw new InvalidOperationException(
                $"A loader of {_batches} batches an epoch ended at batch {_next % _batches} of epoch {_next / _batches}: its source has fewer samples than it declares.");
        _next++;
        batch = _reader.Current;
        return true;
    }

    public override void Dispose()
    {
        _disposed = true;
        _reader?.Dispose();
    }
}
