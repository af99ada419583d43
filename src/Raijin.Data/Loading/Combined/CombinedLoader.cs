using Raijin.Data;

namespace Raijin;

/// <summary>
/// One training loader of several: side by side, when a step takes a batch of each, or in turn, when it takes one of theirs. Like every
/// loader it can be sharded, and resumed at any batch, by arithmetic. Answers to Lightning's <c>CombinedLoader</c>.
/// </summary>
/// <remarks>Where a loader begins anew within an epoch, its own epoch moves on: it is shuffled again, and its samples are seen equally often.</remarks>
public static class CombinedLoader
{
    /// <summary>A batch of each until the first ends; what the longer one has left is not seen. Lightning: <c>min_size</c>.</summary>
    public static DataLoader<PairBatch<TFirst, TSecond>> Shortest<TFirst, TSecond>(DataLoader<TFirst> first, DataLoader<TSecond> second)
        where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> =>
        new PairLoader<TFirst, TSecond, PairBatch<TFirst, TSecond>>(first, second, PairMode.Shortest, (a, b) => new(a!, b!));

    /// <summary>The same with three.</summary>
    public static DataLoader<TripleBatch<TFirst, TSecond, TThird>> Shortest<TFirst, TSecond, TThird>(
        DataLoader<TFirst> first, DataLoader<TSecond> second, DataLoader<TThird> third)
        where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> where TThird : IBatch<TThird> =>
        Triple(Shortest(Shortest(first, second), third));

    /// <summary>
    /// A batch of each until the longer one ends; the shorter one begins anew as often as it takes, and goes on in the next epoch where it
    /// stopped. Lightning: <c>max_size_cycle</c>.
    /// </summary>
    /// <exception cref="InvalidOptionsException">A stream of unknown length, or a loader without batches.</exception>
    public static DataLoader<PairBatch<TFirst, TSecond>> Cycling<TFirst, TSecond>(DataLoader<TFirst> first, DataLoader<TSecond> second)
        where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> =>
        new PairLoader<TFirst, TSecond, PairBatch<TFirst, TSecond>>(first, second, PairMode.Cycling, (a, b) => new(a!, b!));

    /// <summary>The same with three.</summary>
    /// <exception cref="InvalidOptionsException">A stream of unknown length, or a loader without batches.</exception>
    public static DataLoader<TripleBatch<TFirst, TSecond, TThird>> Cycling<TFirst, TSecond, TThird>(
        DataLoader<TFirst> first, DataLoader<TSecond> second, DataLoader<TThird> third)
        where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> where TThird : IBatch<TThird> =>
        Triple(Cycling(Cycling(first, second), third));

    /// <summary>
    /// A batch of each, and of the longer one alone once the other has ended. Lightning: <c>max_size</c>. For more than two, combine the combined.
    /// </summary>
    /// <exception cref="InvalidOptionsException">A stream of unknown length: where it ends is not known when resuming.</exception>
    public static DataLoader<OptionalPair<TFirst, TSecond>> Longest<TFirst, TSecond>(DataLoader<TFirst> first, DataLoader<TSecond> second)
        where TFirst : class, IBatch<TFirst> where TSecond : class, IBatch<TSecond> =>
        new PairLoader<TFirst, TSecond, OptionalPair<TFirst, TSecond>>(first, second, PairMode.Longest, (a, b) => new(a, b));

    /// <summary>All batches of the first, then all of the second, and so on. Lightning: <c>sequential</c>.</summary>
    /// <param name="loaders">At least one; only the last may be a stream of unknown length.</param>
    /// <exception cref="InvalidOptionsException">A stream of unknown length before the last.</exception>
    public static DataLoader<TBatch> Sequential<TBatch>(params ReadOnlySpan<DataLoader<TBatch>> loaders) where TBatch : IBatch<TBatch> =>
        new SequentialLoader<TBatch>(Given(loaders));

    /// <summary>
    /// A batch of each in turn, endlessly: a loader that ends begins anew, one that is not through at the end of the epoch goes on in the next.
    /// </summary>
    /// <param name="loaders">At least one, with known lengths.</param>
    /// <param name="batchesPerEpoch">Batches of an epoch on each rank; null: as many as the loaders have together.</param>
    /// <exception cref="InvalidOptionsException">A stream of unknown length, or a loader without batches.</exception>
    public static DataLoader<TBatch> Alternating<TBatch>(ReadOnlySpan<DataLoader<TBatch>> loaders, long? batchesPerEpoch = null)
        where TBatch : IBatch<TBatch> => new MixedLoader<TBatch>(Given(loaders), new RotatingTurns(loaders.Length), batchesPerEpoch);

    /// <summary>
    /// A batch of one of them each time, at random by their shares: training on several datasets at once. Loaders that end begin anew. All ranks
    /// take from the same loader at the same step.
    /// </summary>
    /// <param name="loaders">At least one, with its share: positive, finite, of any sum.</param>
    /// <param name="seed">Chooses the turns.</param>
    /// <param name="batchesPerEpoch">Batches of an epoch on each rank; null: as many as the loaders have together.</param>
    /// <remarks>
    /// Turns come in blocks in which every loader has exactly its share: at most 1,024 turns long where the shares fit, else 65,536 with shares
    /// rounded to that. Resuming costs one block.
    /// </remarks>
    /// <exception cref="ArgumentException">A share that is not positive, or below 1 in 65,536 of the sum.</exception>
    /// <exception cref="InvalidOptionsException">A stream of unknown length, or a loader without batches.</exception>
    public static DataLoader<TBatch> Mix<TBatch>(
        ReadOnlySpan<(DataLoader<TBatch> Loader, double Share)> loaders, ulong seed = 0, long? batchesPerEpoch = null) where TBatch : IBatch<TBatch>
    {
        var sources = new DataLoader<TBatch>[loaders.Length];
        var shares = new double[loaders.Length];
        for (var i = 0; i < sources.Length; i++) (sources[i], shares[i]) = loaders[i];
        return new MixedLoader<TBatch>(Given<TBatch>(sources), new ShuffledTurns(shares, seed), batchesPerEpoch);
    }

    static DataLoader<TBatch>[] Given<TBatch>(ReadOnlySpan<DataLoader<TBatch>> loaders) where TBatch : IBatch<TBatch>
    {
        if (loaders.IsEmpty) throw new ArgumentException("Give at least one loader.", nameof(loaders));
        foreach (var loader in loaders) ArgumentNullException.ThrowIfNull(loader, nameof(loaders));
        return loaders.ToArray();
    }

    static DataLoader<TripleBatch<TFirst, TSecond, TThird>> Triple<TFirst, TSecond, TThird>(DataLoader<PairBatch<PairBatch<TFirst, TSecond>, TThird>> nested)
        where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> where TThird : IBatch<TThird> =>
        nested.Map(batch => new TripleBatch<TFirst, TSecond, TThird>(batch.First.First, batch.First.Second, batch.Second));
}
