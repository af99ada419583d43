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

        Dataset<T> Take(DatasetPart part) => new FunctionDataset<T>(
            part.Rows.Length, request => Get(request with { Index = part.Rows[request.Index] }), part.IdentityIn(Identity));
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
