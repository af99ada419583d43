namespace Raijin.Training;

/// <summary>The first batches of a loader's epoch 0, in every epoch: <see cref="TrainerOptions.OverfitBatches"/>.</summary>
sealed class OverfitLoader<TBatch>(DataLoader<TBatch> all, long batches) : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    public override long? BatchesPerEpoch => batches;

    public override string Fingerprint => FormattableString.Invariant($"the first {batches} batches of epoch 0 of {all.Fingerprint}");

    public override DataLoader<TBatch> Shard(int rank, int world) => new OverfitLoader<TBatch>(all.Shard(rank, world), batches);

    // The driver, which asks for this loader, never reads on past its length.
    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default) => all.Open(0, firstBatch, cancellationToken);
}
