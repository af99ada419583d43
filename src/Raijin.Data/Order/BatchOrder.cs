namespace Raijin.Data;

/// <summary>Which samples make up which batch, on one rank: what a loader of numbered samples asks.</summary>
public abstract class BatchOrder
{
    /// <summary>Batches of an epoch, on this rank.</summary>
    public abstract long Batches { get; }

    /// <summary>Samples of the largest batch, on each rank.</summary>
    public abstract int BatchSize { get; }

    /// <summary>What decides the samples of each batch, in words; the same on every rank.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>See <see cref="DataLoader{TBatch}.Layout"/>.</summary>
    public virtual EpochLayout? Layout => null;

    /// <summary>The batches of one epoch.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    public abstract EpochBatches OfEpoch(long epoch);

    /// <summary>One rank's part of this order.</summary>
    /// <exception cref="InvalidOperationException">This is one rank's part already.</exception>
    /// <exception cref="InvalidOptionsException">No batch is left: the remainder is dropped, and the ranks together cannot fill one.</exception>
    public abstract BatchOrder Shard(int rank, int world);

    /// <summary>Refuses a position outside an epoch; its end is inside.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative epoch or batch, or a batch beyond the end.</exception>
    public void CheckPosition(long epoch, long firstBatch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, Batches);
    }
}

/// <summary>The batches of one epoch, on one rank. May be asked from several threads at once.</summary>
public abstract class EpochBatches
{
    /// <summary>Writes the dataset indices of a batch.</summary>
    /// <param name="batch">Batch in the epoch, 0 to <see cref="BatchOrder.Batches"/> − 1.</param>
    /// <param name="samples">At least <see cref="BatchOrder.BatchSize"/> long.</param>
    /// <returns>The part of <paramref name="samples"/> that was written.</returns>
    public abstract Span<long> Fill(long batch, Span<long> samples);
}
