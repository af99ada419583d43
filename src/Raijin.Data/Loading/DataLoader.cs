using Raijin.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Hands out the batches of an epoch. Immutable and safe to share: every call of <see cref="Open"/> is an independent reader.
/// </summary>
/// <typeparam name="TBatch">What a step gets.</typeparam>
/// <remarks>
/// Batch <c>b</c> of epoch <c>e</c> on rank <c>r</c> is a pure function of the loader's settings and (e, b, r). Hence resuming is opening
/// at a position, and sharding is arithmetic; neither replays or remembers anything.
/// </remarks>
public abstract class DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    /// <summary>Batches of an epoch on this rank, or null for a stream whose length is not known.</summary>
    public abstract long? BatchesPerEpoch { get; }

    /// <summary>
    /// The settings that decide which samples come when (count, batch size, seed, order, remainder, world), as a short readable text. A
    /// resumed run continues bit for bit only when it is the same.
    /// </summary>
    public abstract string Fingerprint { get; }

    /// <summary>
    /// What its batches are cut from, where they are runs of one size in one order: then a position means the same however many ranks share an epoch, and a run can go on
    /// with another number of them.
    /// </summary>
    /// <value>Default null: batches are made in another way.</value>
    public virtual EpochLayout? Layout => null;

    /// <summary>
    /// Opens an epoch at a batch. Costs the same whatever <paramref name="firstBatch"/> is (for a stream: what its source declares).
    /// </summary>
    /// <param name="epoch">Epoch, from 0: it selects the order of a shuffled loader.</param>
    /// <param name="firstBatch">The first batch to deliver, from 0; at the end of the epoch the reader is empty.</param>
    /// <param name="cancellationToken">Ends a wait inside <see cref="BatchReader{TBatch}.MoveNext"/>.</param>
    /// <returns>A reader owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative epoch or batch, or a batch beyond the end of the epoch.</exception>
    public abstract BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default);

    /// <summary>This loader's part for one of <paramref name="world"/> ranks. All ranks together see what this loader sees.</summary>
    /// <param name="rank">Rank, 0 to <paramref name="world"/> − 1.</param>
    /// <param name="world">Number of ranks, at least 1.</param>
    /// <exception cref="InvalidOperationException">The loader is one rank's part already.</exception>
    public abstract DataLoader<TBatch> Shard(int rank, int world);

    /// <summary>This loader with every batch put through <paramref name="map"/>, on the thread that asks for it.</summary>
    /// <param name="map">Makes one batch of another; a pure function, or a resumed run differs.</param>
    public DataLoader<TResult> Map<TResult>(Func<TBatch, TResult> map) where TResult : IBatch<TResult>
    {
        ArgumentNullException.ThrowIfNull(map);
        return new MappedLoader<TBatch, TResult>(this, map);
    }

    /// <summary>
    /// This loader with every batch put through <paramref name="transfer"/> ahead of its use, by one thread, in order and without recording
    /// gradients. A failure comes in its batch's turn; what is not taken is freed with the reader.
    /// </summary>
    /// <param name="transfer">Moves a batch; called from one thread for each reader.</param>
    /// <param name="depth">Batches that may wait transferred, at least 1; one more may be under way.</param>
    public DataLoader<TBatch> Ahead(Func<TBatch, TBatch> transfer, int depth = 2)
    {
        ArgumentNullException.ThrowIfNull(transfer);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        return new AheadLoader<TBatch>(this, transfer, depth);
    }

    /// <summary>
    /// This loader with its batches on a device, brought there ahead of their use: what is on the host goes through pinned memory to a CUDA device,
    /// so that the copy does not hold up the thread. On the host it is the loader itself.
    /// </summary>
    /// <param name="device">Where steps want their batches.</param>
    /// <param name="depth">Batches that may wait on the device, at least 1.</param>
    public DataLoader<TBatch> OnDevice(Device device, int depth = 2)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.type == DeviceType.CPU ? this : Ahead(batch => batch.Map(tensor => Move(tensor, device)), depth);
    }

    static Tensor Move(Tensor tensor, Device device)
    {
        var stage = device.type == DeviceType.CUDA && tensor.device_type == DeviceType.CPU;
        return stage ? tensor.pin_memory().to(device, non_blocking: true) : tensor.to(device);
    }
}
