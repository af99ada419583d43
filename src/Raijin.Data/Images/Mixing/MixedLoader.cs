using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>A loader whose batches are mixed as they are read, on the thread that reads them.</summary>
sealed class MixedLoader(DataLoader<LabeledBatch> batches, BatchMix mix, int rank = 0) : DataLoader<LabeledBatch>
{
    // Far from the streams that loaders draw from; a batch of a rank has 2^20 words of its own.
    const ulong Mixes = 3UL << 61;
    const int WordsLog2 = 20, RanksLog2 = 20;

    public override long? BatchesPerEpoch => batches.BatchesPerEpoch;

    public override string Fingerprint => $"{batches.Fingerprint}, {mix}";

    public override DataLoader<LabeledBatch> Shard(int rank, int world) => new MixedLoader(batches.Shard(rank, world), mix, rank);

    public override BatchReader<LabeledBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default) =>
        new Reader(batches.Open(epoch, firstBatch, cancellationToken), mix, epoch, firstBatch, rank);

    sealed class Reader(BatchReader<LabeledBatch> batches, BatchMix mix, long epoch, long next, int rank) : BatchReader<LabeledBatch>
    {
        long _next = next;

        protected override bool TryRead([NotNullWhen(true)] out LabeledBatch? batch)
        {
            batch = null;
            if (!batches.MoveNext()) return false;
            using var plain = TorchSharp.torch.no_grad();
            var place = (((ulong)_next << RanksLog2) + (ulong)rank) << WordsLog2;
            batch = mix.Apply(batches.Current, new RandomStream(mix.Seed, Mixes + (ulong)epoch, place));
            _next++;
            return true;
        }

        public override void Dispose() => batches.Dispose();
    }
}
