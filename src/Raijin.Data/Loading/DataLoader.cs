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
}
