using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>How two loaders of different length go side by side.</summary>
enum PairMode
{
    Shortest,
    Longest,
    Cycling,
}

/// <summary>A batch of each of two loaders.</summary>
sealed class PairLoader<TFirst, TSecond, TBatch> : DataLoader<TBatch>
    where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> where TBatch : IBatch<TBatch>
{
    readonly DataLoader<TFirst> _first;
    readonly DataLoader<TSecond> _second;
    readonly PairMode _mode;
    readonly Func<TFirst?, TSecond?, TBatch> _join;

    public PairLoader(DataLoader<TFirst> first, DataLoader<TSecond> second, PairMode mode, Func<TFirst?, TSecond?, TBatch> join)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        (_first, _second, _mode, _join) = (first, second, mode, join);
        if (mode == PairMode.Shortest) return;
        var faults = new List<OptionFault>();
        Combining.AddFaults(faults, "first", first.BatchesPerEpoch, orEmpty: mode == PairMode.Longest);
        Combining.AddFaults(faults, "second", second.BatchesPerEpoch, orEmpty: mode == PairMode.Longest);
        InvalidOptionsException.ThrowIfAny(faults);
    }

    public override long? BatchesPerEpoch => (_first.BatchesPerEpoch, _second.BatchesPerEpoch) switch
    {
        ({ } a, { } b) => _mode == PairMode.Shortest ? Math.Min(a, b) : Math.Max(a, b),
        _ => null,
    };

    public override string Fingerprint => $"{_mode} pairs of [{_first.Fingerprint}] and [{_second.Fingerprint}]";

    public override DataLoader<TBatch> Shard(int rank, int world) =>
        new PairLoader<TFirst, TSecond, TBatch>(_first.Shard(rank, world), _second.Shard(rank, world), _mode, _join);

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        var batches = BatchesPerEpoch;
        if (batches is { } end) ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, end);
        var first = OpenOne(_first);
        try
        {
            return new Reader(first, OpenOne(_second), _mode, _join, batches - firstBatch);
        }
        catch
        {
            first.Dispose();
            throw;
        }

        BatchReader<T> OpenOne<T>(DataLoader<T> loader) where T : IBatch<T> => _mode switch
        {
            PairMode.Cycling => new EndlessReader<T>(loader, epoch * batches!.Value + firstBatch, cancellationToken),
            PairMode.Longest => loader.Open(epoch, Math.Min(firstBatch, loader.BatchesPerEpoch!.Value), cancellationToken),
            _ => loader.Open(epoch, firstBatch, cancellationToken),
        };
    }

    // left: batches to come, null where only the readers know.
    sealed class Reader(BatchReader<TFirst> first, BatchReader<TSecond> second, PairMode mode, Func<TFirst?, TSecond?, TBatch> join, long? left)
        : BatchReader<TBatch>
    {
        long? _left = left;

        protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
        {
            batch = default;
            if (_left == 0) return false;
            var (a, b) = (first.MoveNext(), second.MoveNext());
            if (mode == PairMode.Longest ? !a && !b : !a || !b)
            {
                _left = 0;
                return false;
            }
            _left--;
            batch = join(a ? first.Current : default, b ? second.Current : default);
            return true;
        }

        public override void Dispose()
        {
            _left = 0;
            try
            {
                first.Dispose();
            }
            finally
            {
                second.Dispose();
            }
        }
    }
}
