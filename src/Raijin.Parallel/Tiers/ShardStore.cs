using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// Invariant: a unit's shards are in the file, or in the lease that holds them, from where they go to the file before it serves another.
// Cost: memory for a few units' shards instead of all; a unit's bytes are read for forward, for backward and for the update, unless a lease still holds them, and written after the update.
// Rajbhandari et al. 2021, §5.1 and §6.2, arXiv:2104.07857.

/// <summary>
/// This rank's shards of the parameters of all divided units, in a file: each unit's are read into one of a few leases for as long as somebody uses them. Not thread-safe.
/// </summary>
sealed class ShardStore : IDisposable
{
    /// <summary>What is needed at least for one unit to be used while the one before is written and the one after read.</summary>
    public const int NumLeases = 3;

    readonly DiskStore _store;
    readonly Dictionary<string, StoredShards> _units = new(StringComparer.Ordinal);
    readonly DiskLease<StoredShards>[] _leases;
    readonly Ledger _ledger;
    bool _disposed;

    /// <summary>Makes the file.</summary>
    /// <param name="folder">Where; made when it does not exist.</param>
    /// <param name="units">Names, and the type and size of each of their shards.</param>
    /// <param name="numLeases">How many units' shards are in memory at most.</param>
    /// <param name="allocate">Makes flat zeroed bytes where ranks reach them best.</param>
    /// <param name="ledger">The books.</param>
    /// <param name="threads">How many blocks are under way at once in each direction.</param>
    /// <exception cref="IOException">The folder cannot be made, or its disk lacks the space.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public ShardStore(string folder, IReadOnlyList<(string Name, IReadOnlyList<(ScalarType DType, long NumElements)> Shards)> units, int numLeases, Func<long, Tensor> allocate, Ledger ledger, int threads = 4)
    {
        _ledger = ledger;
        foreach (var (name, shards) in units) _units.Add(name, new(this, name, shards));
        _store = new(folder, _units.Values.Select(u => (u.Name, u.Bytes)), threads);
        var largest = _units.Values.Max(u => u.Bytes);
        _leases = [.. Enumerable.Range(0, Math.Min(numLeases, units.Count)).Select(_ => NewLease(allocate, largest))];
        ledger.Allocated(BufferKind.Staging, _leases.Sum(l => l.Bytes));
        ledger.AllocatedOnDisk(BufferKind.Parameters, _store.Bytes);
    }

    /// <summary>What it is kept in.</summary>
    public DiskStore Store => _store;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => _store.BytesRead;

    /// <summary>Bytes written so far.</summary>
    public long BytesWritten => _store.BytesWritten;

    /// <summary>The shards of a unit.</summary>
    public StoredShards this[string unit] => _units[unit];

    /// <summary>Whether more than one lease is at nobody's use: those who only guess who will need it leave one.</summary>
    public bool HasRoom => _leases.Count(IsIdle) > 1;

    /// <summary>A lease that holds the shards, or will when what it has begun is over; the one that was used longest ago.</summary>
    /// <param name="shards">Whose.</param>
    /// <param name="isRead">Whether their values are read, and not about to be written.</param>
    public DiskLease<StoredShards> Lend(StoredShards shards, bool isRead)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var index = Array.FindIndex(_leases, l => l.Holder == shards);
        if (index < 0)
        {
            index = Array.FindIndex(_leases, IsIdle);
            if (index < 0) throw new InvalidOperationException($"The shards of '{shards.Name}' are needed while those of {string.Join(", ", _leases.Select(l => $"'{l.Holder!.Name}'"))} are in use: that is one more than there are leases.");
        }
        var lease = _leases[index];
        if (lease.Holder != shards && isRead) lease.Begin(() => [_store.ReadAsync(_store[shards.Name], lease.Memory, bytes: shards.Bytes)]);
        lease.Holder = shards;
        // The last used goes to the end.
        Array.Copy(_leases, index + 1, _leases, index, _leases.Length - index - 1);
        return _leases[^1] = lease;
    }

    /// <summary>Begins to write shards that a lease holds.</summary>
    public void BeginWrite(StoredShards shards)
    {
        // Who looks at the file from now on sees the new values.
        _store.Unmap();
        var lease = Array.Find(_leases, l => l.Holder == shards)!;
        lease.Begin(() => [_store.WriteAsync(_store[shards.Name], lease.Memory, bytes: shards.Bytes)]);
    }

    /// <summary>Waits until all that was changed is in the file.</summary>
    /// <exception cref="IOException">Something could not be written.</exception>
    public void Finish()
    {
        foreach (var lease in _leases) lease.Wait();
    }

    /// <summary>Shards as a tensor over the file, read when it is touched. The caller owns it; it is valid until the next update.</summary>
    public Tensor Map(StoredShards shards, long offset, long count, ScalarType dtype)
    {
        if (Array.Find(_leases, l => l.Holder == shards) is { } lease) lease.Wait();
        return _store.Map(_store[shards.Name], offset, [count], dtype);
    }

    /// <summary>Waits for what is under way, and frees memory and file.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _ledger.FreedOnDisk(BufferKind.Parameters, _store.Bytes);
        _ledger.Freed(BufferKind.Staging, _leases.Sum(l => l.Bytes));
        _store.Dispose();
        foreach (var shards in _units.Values) shards.Dispose();
        foreach (var lease in _leases) lease.Dispose();
    }

    static bool IsIdle(DiskLease<StoredShards> lease) => lease.Holder is not { IsInUse: true };

    static DiskLease<StoredShards> NewLease(Func<long, Tensor> allocate, long bytes)
    {
        using var whole = allocate(bytes + ScratchFile.Alignment).DetachFromDisposeScope();
        return new(ScratchFile.Align(whole, bytes));
    }
}
