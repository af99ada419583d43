using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>The shards of one unit's parameters on a tier. Their tensors are there for good, and have values between <see cref="Enter"/> and <see cref="Leave"/>.</summary>
sealed class StoredShards : IDisposable
{
    readonly ShardStore _store;
    readonly List<(HollowTensor Shard, long Offset)> _shards = [];
    int _users;
    bool _changed;

    public StoredShards(ShardStore store, string name, IReadOnlyList<(ScalarType DType, long NumElements)> shards)
    {
        (_store, Name) = (store, name);
        foreach (var (dtype, count) in shards)
        {
            var shard = new HollowTensor(count, dtype);
            _shards.Add((shard, Bytes));
            // Each begins on a page, so that no two share one.
            Bytes += (count * shard.Tensor.element_size() + ScratchFile.Alignment - 1) / ScratchFile.Alignment * ScratchFile.Alignment;
        }
    }

    /// <summary>The unit's.</summary>
    public string Name { get; }

    /// <summary>Bytes in the file.</summary>
    public long Bytes { get; }

    /// <summary>Whether a lease is kept for them.</summary>
    public bool IsInUse => _users > 0;

    /// <summary>One of the tensors, in the order in which they were given.</summary>
    public Tensor this[int index] => _shards[index].Shard.Tensor;

    /// <summary>Whether a lease can be had that nobody will miss.</summary>
    public bool HasRoom => _store.HasRoom;

    /// <summary>Begins to read, where a lease can be had that nobody will miss.</summary>
    public void ReadAhead()
    {
        if (!IsInUse && HasRoom) _store.Lend(this, isRead: true);
    }

    /// <summary>Waits until the values are there, and keeps them.</summary>
    /// <param name="isRead">False for who writes them all.</param>
    /// <exception cref="IOException">They could not be read, or not be written earlier.</exception>
    public void Enter(bool isRead = true)
    {
        if (_users == 0)
        {
            var lease = _store.Lend(this, isRead);
            // What is still being written might be changed.
            lease.Wait();
            foreach (var (shard, offset) in _shards) shard.Fill(lease.Memory, offset);
        }
        _users++;
    }

    /// <summary>Lets them go, after the last user.</summary>
    /// <param name="changed">Whether they are to be written back.</param>
    public void Leave(bool changed = false)
    {
        _changed |= changed;
        if (--_users > 0) return;
        foreach (var (shard, _) in _shards) shard.Empty();
        if (_changed) _store.BeginWrite(this);
        _changed = false;
    }

    /// <summary>Elements of a shard over the file, read when they are touched; the caller owns them. Valid until the next update.</summary>
    public Tensor Map(int index, long start, long count)
    {
        var (shard, offset) = _shards[index];
        return _store.Map(this, offset + (start * shard.Tensor.element_size()), count, shard.Tensor.dtype);
    }

    public void Dispose()
    {
        foreach (var (shard, _) in _shards) shard.Dispose();
    }

    /// <summary>Values in memory for as long as it is open; nothing where they are there for good.</summary>
    public readonly ref struct Use
    {
        readonly StoredShards? _shards;
        readonly bool _changes;

        public Use(StoredShards? shards, bool changes)
        {
            (_shards, _changes) = (shards, changes);
            shards?.Enter();
        }

        public void Dispose() => _shards?.Leave(_changes);
    }
}
