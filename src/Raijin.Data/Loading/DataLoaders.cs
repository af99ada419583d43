namespace Raijin;

/// <summary>The loaders of a run: what <c>Fit</c> takes.</summary>
/// <param name="Train">Batches to train on.</param>
/// <param name="Validation">Batches to validate on while training, from one loader or several named ones; null: no validation.</param>
/// <param name="Test">Batches for the final test; null: none.</param>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public sealed record DataLoaders<TBatch>(DataLoader<TBatch> Train, LoaderSet<TBatch>? Validation = null, LoaderSet<TBatch>? Test = null)
    where TBatch : IBatch<TBatch>
{
    /// <summary>A training loader alone is enough.</summary>
    public static implicit operator DataLoaders<TBatch>(DataLoader<TBatch> train) => new(train);
}
