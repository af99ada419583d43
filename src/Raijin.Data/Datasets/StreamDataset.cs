using Raijin.Data;

namespace Raijin;

/// <summary>Samples that come one after the other and cannot be asked for by number: logs, archives, generated data without end.</summary>
/// <typeparam name="T">
/// One sample, as raw as it is cheap to read: reading is serial, collating runs on the workers, so decode there.
/// </typeparam>
/// <remarks>
/// A stream's position is declared, not computed: <see cref="Read"/> must begin at the sample asked for. Resuming at batch b asks for
/// sample b × batch size × world. A source that can seek (fixed-size records, an index) makes that cheap; one made by
/// <see cref="Dataset.Stream"/> reads and drops the samples before it. Every rank reads the whole stream and collates its own part of each
/// batch, so all ranks agree on where it ends.
/// </remarks>
public abstract class StreamDataset<T>
{
    /// <summary>Number of samples of an epoch, or null when it is not known beforehand. <value>Default null.</value></summary>
    public virtual long? Count => null;

    /// <summary>The samples of an epoch from a position on.</summary>
    /// <param name="epoch">Epoch, from 0: a stream may have another order in each.</param>
    /// <param name="first">Number of the first sample to yield. The same sample has the same number whatever this is.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits any more; throw then.</param>
    /// <returns>
    /// The samples. Tensors made while one is read are freed once its batch is collated: take out of the scope what the stream keeps for
    /// later ones.
    /// </returns>
    public abstract IEnumerable<T> Read(long epoch, long first, CancellationToken cancellationToken);

    /// <summary>
    /// This stream in another order each epoch, mixed within a buffer: a sample moves by less than <paramref name="buffer"/> places. Deterministic;
    /// resuming reads the position's block again, at most <paramref name="buffer"/> samples, and before them what the source reads to get there.
    /// </summary>
    /// <param name="buffer">Samples held, at least 2. They are held across batches: plain data, not tensors of the reading scope.</param>
    /// <param name="seed">Chooses the orders.</param>
    /// <remarks>A <see cref="LinesDataset"/> or another <see cref="Dataset{T}"/> is shuffled as a whole, and for nothing.</remarks>
    public StreamDataset<T> Shuffled(int buffer, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer, 2);
        return new ShuffledStream<T>(this, buffer, seed);
    }

    /// <summary>
    /// What tells this stream from others, for <see cref="DataLoader{TBatch}.Fingerprint"/>. <value>Default: empty.</value>
    /// </summary>
    protected internal virtual string Identity => "";

    /// <summary>A loader of batches.</summary>
    /// <param name="options">
    /// How to make them; <see cref="LoaderOptions.Shuffle"/> must be false, for a stream comes in its own order.
    /// </param>
    /// <param name="collate">Makes a batch of some samples, in order; called from several threads at once.</param>
    /// <exception cref="InvalidOptionsException">Names every fault of the options.</exception>
    public DataLoader<TBatch> Batches<TBatch>(LoaderOptions options, Func<IReadOnlyList<T>, TBatch> collate) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(collate);
        return new StreamLoader<T, TBatch>(this, options, collate);
    }
}
