using Raijin.Data;

namespace Raijin;

/// <summary>Mixing of batches that a loader hands out.</summary>
public static class BatchMixing
{
    /// <summary>This loader with every batch mixed: labels become soft, [B, K], as <c>cross_entropy</c> takes them.</summary>
    /// <param name="batches">Batches to train on.</param>
    /// <param name="mix">A <see cref="Mixup"/> or <see cref="CutMix"/>.</param>
    public static DataLoader<LabeledBatch> Mixed(this DataLoader<LabeledBatch> batches, BatchMix mix)
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(mix);
        return new MixedLoader(batches, mix);
    }
}
