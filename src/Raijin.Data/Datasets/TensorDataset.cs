// N samples, B samples a batch.

using Raijin.Data;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Samples that are rows of tensors in memory: the fast kind. A batch is one gather for each tensor, made on the thread that asks; there is
/// no worker thread and no queue.
/// </summary>
/// <typeparam name="TBatch">What a step gets.</typeparam>
/// <remarks>
/// Derive from it for an own batch type: hand the tensors to the constructor and say how a batch is made of their rows. Disposing a set, or
/// any part split from it, frees the tensors they share at once; undisposed, they are freed when the collector finds that nobody uses them.
/// </remarks>
public abstract class TensorDataset<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    readonly RowGather[] _columns;
    readonly long[]? _rows;

    /// <summary>Takes the tensors whose rows are the samples.</summary>
    /// <param name="columns">
    /// At least one, each [N, …], with the same N; borrowed: storage is shared, so later changes of them are seen.
    /// </param>
    /// <exception cref="ShapeMismatchException">A scalar, or tensors of different length.</exception>
    protected TensorDataset(params ReadOnlySpan<(string Name, Tensor Tensor)> columns)
    {
        if (columns.IsEmpty) throw new ArgumentException("A dataset needs at least one tensor.", nameof(columns));
        long? rows = null;
        foreach (var (name, tensor) in columns)
        {
            TensorGuard.ThrowIfFreed(tensor, name);
            if (tensor.dim() == 0) ShapeMismatchException.Throw(name, "[N, …], one row a sample", "a scalar");
            rows ??= tensor.size(0);
            if (tensor.size(0) != rows)
                ShapeMismatchException.Throw(
                    name, $"{rows} rows, as many as {columns[0].Name}", $"[{string.Join(", ", tensor.shape)}]", "Give one row a sample in every tensor.");
        }

        _columns = new RowGather[columns.Length];
        for (var i = 0; i < columns.Length; i++) _columns[i] = new RowGather(columns[i].Tensor);
        Count = _columns[0].NumRows;
        Identity = "";
    }

    /// <summary>A part of another set, sharing its tensors.</summary>
    /// <param name="whole">The set, or a part of one.</param>
    /// <param name="part">Which rows of it.</param>
    protected TensorDataset(TensorDataset<TBatch> whole, DatasetPart part)
    {
        ArgumentNullException.ThrowIfNull(whole);
        ArgumentNullException.ThrowIfNull(part);
        _columns = whole._columns;
        _rows = whole._rows is { } of ? Array.ConvertAll(part.Rows, row => of[row]) : part.Rows;
        Count = part.Rows.Length;
        Identity = part.IdentityIn(whole.Identity);
    }

    /// <summary>Number of samples, N.</summary>
    public long Count { get; }

    internal string Identity { get; }

    /// <summary>Makes a batch of tensors that hold the same samples' rows, in the order of the constructor's tensors.</summary>
    protected abstract TBatch Make(ReadOnlySpan<Tensor> columns);

    /// <summary>The same kind of set over some of this one's rows: <c>new(this, part)</c>.</summary>
    protected abstract TensorDataset<TBatch> Take(DatasetPart part);

    /// <summary>Some samples as a batch, in the order given: one gather for each tensor.</summary>
    /// <param name="samples">Indices, 0 to <see cref="Count"/> − 1.</param>
    /// <returns>A batch whose tensors are fresh and belong to the caller's scope.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index that the set does not have.</exception>
    public TBatch Gather(params ReadOnlySpan<long> samples) => GatherInPlace(samples.ToArray());

    /// <summary>The whole set as one batch; a copy.</summary>
    public TBatch All()
    {
        var samples = new long[Count];
        for (var i = 0; i < samples.Length; i++) samples[i] = i;
        return GatherInPlace(samples);
    }

    // Turns indices into this part into rows of the tensors, in the caller's buffer.
    internal TBatch GatherInPlace(Span<long> samples)
    {
        if (_rows is { } rows)
        {
            foreach (ref var sample in samples)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(sample, nameof(samples));
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sample, rows.LongLength, nameof(samples));
                sample = rows[sample];
            }
        }

        var tensors = new Tensor[_columns.Length];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = _columns[i].Rows(samples);
        return Make(tensors);
    }

    /// <summary>Divides the samples at random, without copying them.</summary>
    /// <param name="validation">Share of the samples to validate on, 0 (none) up to 1.</param>
    /// <param name="test">Share of the samples to test on, 0 (none) up to 1.</param>
    /// <param name="seed">Chooses the division; the same seed gives the same one.</param>
    /// <exception cref="ArgumentOutOfRangeException">A share below 0, or shares that leave nothing to train on.</exception>
    public TensorSplits<TBatch> Split(double validation, double test = 0, ulong seed = 0)
    {
        var split = new RandomSplit(Count, validation, test, seed);
        return new(Take(split.Train), split.Validation is { } v ? Take(v) : null, split.Test is { } t ? Take(t) : null);
    }

    /// <summary>Some of the samples, in the order given and without copying them: a subset, or a set with repetitions.</summary>
    /// <param name="samples">Indices, 0 to <see cref="Count"/> − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index that the set does not have.</exception>
    public TensorDataset<TBatch> Subset(IEnumerable<long> samples) => Take(DatasetPart.Of(samples, Count));

    /// <summary>The first <paramref name="count"/> samples, or all when there are fewer.</summary>
    public TensorDataset<TBatch> First(long count) => Take(DatasetPart.First(count, Count));

    /// <summary>
    /// Divides the samples into <paramref name="k"/> folds for cross-validation, without copying them: each is validated on once, with the others
    /// to train on. Fold sizes differ by at most one.
    /// </summary>
    /// <param name="k">Folds, 2 to <see cref="Count"/>.</param>
    /// <param name="seed">Chooses the division.</param>
    public IReadOnlyList<TensorSplits<TBatch>> Folds(int k, ulong seed = 0) => Split(FoldSplit.Of(Count, k, seed));

    /// <summary>The same with every class spread evenly over the folds: in each, numbers of a class differ by at most one.</summary>
    /// <param name="k">Folds, 2 to <see cref="Count"/>.</param>
    /// <param name="labels">The class of each sample.</param>
    /// <param name="seed">Chooses the division.</param>
    public IReadOnlyList<TensorSplits<TBatch>> StratifiedFolds(int k, IReadOnlyList<long> labels, ulong seed = 0) =>
        Split(FoldSplit.Stratified(Count, k, labels, seed));

    TensorSplits<TBatch>[] Split(FoldSplit[] folds) => Array.ConvertAll(folds, fold => new TensorSplits<TBatch>(Take(fold.Train), Take(fold.Validation)));

    /// <summary>A loader for training, with the default <see cref="LoaderOptions"/> but for the batch size: shuffled.</summary>
    public DataLoader<TBatch> Batches(int batchSize) => Batches(new LoaderOptions { BatchSize = batchSize });

    /// <summary>A loader, the batch size aside from the other options.</summary>
    public DataLoader<TBatch> Batches(int batchSize, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Batches(options with { BatchSize = batchSize });
    }

    /// <summary>A loader.</summary>
    /// <param name="options">How to make batches; workers and prefetching do not apply.</param>
    /// <exception cref="InvalidOptionsException">Names every fault of the options.</exception>
    public DataLoader<TBatch> Batches(LoaderOptions options) => new GatherLoader<TBatch>(this, new EpochOrder(Count, options));

    /// <summary>Frees the tensors of this set and of every part that shares them.</summary>
    public void Dispose()
    {
        foreach (var column in _columns) column.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The parts of a divided set of tensors.</summary>
/// <param name="Train">Samples to train on.</param>
/// <param name="Validation">Samples to validate on, or null.</param>
/// <param name="Test">Samples to test on, or null.</param>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public sealed record TensorSplits<TBatch>(TensorDataset<TBatch> Train, TensorDataset<TBatch>? Validation = null, TensorDataset<TBatch>? Test = null)
    where TBatch : IBatch<TBatch>
{
    /// <summary>Loaders of every part; the training part is shuffled, the others come in order and whole.</summary>
    public DataLoaders<TBatch> Batches(int batchSize) => Batches(new LoaderOptions { BatchSize = batchSize });

    /// <summary>Loaders of every part, the batch size aside from the other options.</summary>
    public DataLoaders<TBatch> Batches(int batchSize, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Batches(options with { BatchSize = batchSize });
    }

    /// <summary>
    /// Loaders of every part: the training part with these options, the others with <see cref="LoaderOptions.ForEvaluation"/> of them.
    /// </summary>
    /// <param name="options">
    /// How to make batches. A part with fewer samples than a batch, other than the training one, is one batch.
    /// </param>
    public DataLoaders<TBatch> Batches(LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new(Train.Batches(options), Evaluate(Validation), Evaluate(Test));

        DataLoader<TBatch>? Evaluate(TensorDataset<TBatch>? part) => part?.Batches(options.ForHeldOut(part.Count));
    }

    /// <summary>Holds out a part of what is trained on to validate on, for sets that come divided into training and test samples.</summary>
    /// <param name="validation">Share of the training samples, above 0 and below 1.</param>
    /// <param name="seed">Chooses them.</param>
    /// <exception cref="InvalidOperationException">There is a validation part already.</exception>
    public TensorSplits<TBatch> Split(double validation, ulong seed = 0)
    {
        if (Validation is not null) throw new InvalidOperationException("There is a validation part already.");
        return Train.Split(validation, seed: seed) with { Test = Test };
    }
}
