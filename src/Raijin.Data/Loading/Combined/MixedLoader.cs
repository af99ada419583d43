// N batches an epoch, so that batch b of epoch e is turn t = e·N + b of one endless schedule. A loader that had c of the turns before t
// stands at batch c mod n of its epoch c / n.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Raijin.Data;

/// <summary>A batch of one of several loaders each time, by a schedule of turns.</summary>
sealed class MixedLoader<TBatch> : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    readonly DataLoader<TBatch>[] _loaders;
    readonly TurnSchedule _turns;
    readonly long? _given;
    readonly long _batches;

    public MixedLoader(DataLoader<TBatch>[] loaders, TurnSchedule turns, long? batchesPerEpoch)
    {
        if (batchesPerEpoch is { } given) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(given, nameof(batchesPerEpoch));
        (_loaders, _turns, _given) = (loaders, turns, batchesPerEpoch);
        var faults = new List<OptionFault>();
        for (var i = 0; i < loaders.Length; i++) Combining.AddFaults(faults, $"loaders[{i}]", loaders[i].BatchesPerEpoch);
        InvalidOptionsException.ThrowIfAny(faults);
        _batches = batchesPerEpoch ?? loaders.Sum(loader => loader.BatchesPerEpoch!.Value);
    }

    public override long? BatchesPerEpoch => _batches;

    public override string Fingerprint => string.Create(CultureInfo.InvariantCulture,
        $"{_batches} batches {_turns.Fingerprint} of [{string.Join("] [", _loaders.Select(loader => loader.Fingerprint))}]");

    public override DataLoader<TBatch> Shard(int rank, int world) =>
        new MixedLoader<TBatch>(Array.ConvertAll(_loaders, loader => loader.Shard(rank, world)), _turns, _given);

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, _batches);
        var turn = epoch * _batches + firstBatch;
        var had = _turns.Before(turn);
        var readers = new BatchReader<TBatch>[_loaders.Length];
        for (var i = 0; i < readers.Length; i++) readers[i] = new EndlessReader<TBatch>(_loaders[i], had[i], cancellationToken);
        return new Reader(readers, _turns.From(turn).GetEnumerator(), _batches - firstBatch);
    }

    sealed class Reader(BatchReader<TBatch>[] readers, IEnumerator<int> turns, long left) : BatchReader<TBatch>
    {
        long _left = left;

        protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
        {
            batch = default;
            if (_left == 0) return false;
            _left--;
            turns.MoveNext();
            var reader = readers[turns.Current];
            reader.MoveNext();
            batch = reader.Current!;
            return true;
        }

        public override void Dispose()
        {
            _left = 0;
            turns.Dispose();
            foreach (var reader in readers) reader.Dispose();
        }
    }
}
