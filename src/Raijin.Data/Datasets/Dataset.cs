using Raijin.Data;

namespace Raijin;

/// <summary>Samples that can be asked for by number, in any order and from several threads at once.</summary>
/// <typeparam name="T">One sample, before batching.</typeparam>
/// <remarks>
/// Sets that are tensors already are better off as a <see cref="TensorDataset{TBatch}"/>: it makes a batch with one gather.
/// </remarks>
public abstract class Dataset<T>
{
    /// <summary>Number of samples.</summary>
    public abstract long Count { get; }

    /// <summary>Reads one sample. Called from several threads at once.</summary>
    /// <param name="request">Which; its index lies in 0 to <see cref="Count"/> − 1.</param>
    /// <returns>The sample. Tensors made for it are freed once it is collated.</returns>
    public abstract T Get(SampleRequest request);

    /// <summary>This set with every sample put through <paramref name="map"/> when it is read, on the thread that reads it.</summary>
    public Dataset<TResult> Map<TResult>(Func<T, TResult> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return Map((sample, _) => map(sample));
    }

    /// <summary>
    /// The same for a map that wants to know the request: to draw random numbers that belong to the sample and the epoch.
    /// </summary>
    public Dataset<TResult> Map<TResult>(Func<T, SampleRequest, TResult> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new FunctionDataset<TResult>(Count, request => map(Get(request), request), Identity);
    }

    /// <summary>Divides the samples at random.</summary>
    /// <param name="validation">Share of the samples to validate on, 0 (none) up to 1.</param>
    /// <param name="test">Share of the samples to test on, 0 (none) up to 1.</param>
    /// <param name="seed">Chooses the division; the same seed gives the same one.</param>
    /// <exception cref="ArgumentOutOfRangeException">A share below 0, or shares that leave nothing to train on.</exception>
    public DatasetSplits<T> Split(double validation, double test = 0, ulong seed = 0)
    {
        var split = new RandomSplit(Count, validation, test, seed);
        return new(Take(split.Train), split.Validation is { } v ? Take(v) : null, split.Test is { } t ? Take(t) : null);
    }

    /// <summary>A loader of batches.</summary>
    /// <param name="options">How to make them.</param>
    /// <param name="collate">
    /// Makes a batch of some samples, in order; called from several threads at once. The tensors it leaves besides the batch's are freed.
    /// </param>
    /// <exception cref="InvalidOptionsException">Names every fault of the options.</exception>
    public DataLoader<TBatch> Batches<TBatch>(LoaderOptions options, Func<IReadOnlyList<T>, TBatch> collate) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(collate);
        return new SampleLoader<T, TBatch>(this, options, collate);
    }

    /// <summary>A loader of batches of similar length, for samples that are padded to the longest of their batch.</summary>
    /// <param name="options">How to make them; the batch size is the most samples of a batch on each rank.</param>
    /// <param name="buckets">The samples' lengths, and how they are put together.</param>
    /// <param name="collate">Makes a batch of some samples; <see cref="Collate.Pad"/> is the usual one.</param>
    /// <exception cref="InvalidOptionsException">Names every fault of the options.</exception>
    public DataLoader<TBatch> Batches<TBatch>(LoaderOptions options, LengthBuckets buckets, Func<IReadOnlyList<T>, TBatch> collate)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(collate);
        return new SampleLoader<T, TBatch>(this, options, collate, new BucketOrder(Count, options, buckets));
    }

    /// <summary>Some of the samples, in the order given: a subset, or a set with repetitions.</summary>
    /// <param name="samples">Indices, 0 to <see cref="Count"/> − 1; copied.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index that the set does not have.</exception>
    public Dataset<T> Subset(IEnumerable<long> samples) => Take(DatasetPart.Of(samples, Count));

    /// <summary>The first <paramref name="count"/> samples, or all when there are fewer.</summary>
    public Dataset<T> First(long count) => Take(DatasetPart.First(count, Count));

    /// <summary>
    /// Divides the samples into <paramref name="k"/> folds for cross-validation: each is validated on once, with the others to train on. Fold
    /// sizes differ by at most one.
    /// </summary>
    /// <param name="k">Folds, 2 to <see cref="Count"/>.</param>
    /// <param name="seed">Chooses the division.</param>
    public IReadOnlyList<DatasetSplits<T>> Folds(int k, ulong seed = 0) => Split(FoldSplit.Of(Count, k, seed));

    /// <summary>The same with every class spread evenly over the folds: in each, numbers of a class differ by at most one.</summary>
    /// <param name="k">Folds, 2 to <see cref="Count"/>.</param>
    /// <param name="labels">The class of each sample.</param>
    /// <param name="seed">Chooses the division.</param>
    public IReadOnlyList<DatasetSplits<T>> StratifiedFolds(int k, IReadOnlyList<long> labels, ulong seed = 0) =>
        Split(FoldSplit.Stratified(Count, k, labels, seed));

    DatasetSplits<T>[] Split(FoldSplit[] folds) => Array.ConvertAll(folds, fold => new DatasetSplits<T>(Take(fold.Train), Take(fold.Validation), null));

    Dataset<T> Take(DatasetPart part) => new FunctionDataset<T>(
        part.Rows.Length, request => Get(request with { Index = part.Rows[request.Index] }), part.IdentityIn(Identity));

    /// <summary>
    /// What tells this set from others of the same length, for <see cref="DataLoader{TBatch}.Fingerprint"/>. <value>Default: empty.</value>
    /// </summary>
    protected internal virtual string Identity => "";
}

/// <summary>The parts of a divided dataset.</summary>
/// <param name="Train">Samples to train on.</param>
/// <param name="Validation">Samples to validate on, or null.</param>
/// <param name="Test">Samples to test on, or null.</param>
/// <typeparam name="T">One sample.</typeparam>
public sealed record DatasetSplits<T>(Dataset<T> Train, Dataset<T>? Validation, Dataset<T>? Test)
{
    /// <summary>
    /// Loaders of every part: the training part with these options, the others with <see cref="LoaderOptions.ForEvaluation"/> of them.
    /// </summary>
    /// <param name="options">
    /// How to make batches. A part with fewer samples than a batch, other than the training one, is one batch.
    /// </param>
    /// <param name="collate">Makes a batch of some samples; called from several threads at once.</param>
    public DataLoaders<TBatch> Batches<TBatch>(LoaderOptions options, Func<IReadOnlyList<T>, TBatch> collate) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(options);
        return new(Train.Batches(options, collate), Evaluate(Validation), Evaluate(Test));

        DataLoader<TBatch>? Evaluate(Dataset<T>? part) => part?.Batches(options.ForHeldOut(part.Count), collate);
    }
}
