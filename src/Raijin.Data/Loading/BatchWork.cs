using static TorchSharp.torch;

namespace Raijin.Data;

/// <summary>A batch to be made, by any one thread.</summary>
/// <param name="epoch">Epoch, from 0.</param>
/// <param name="batch">Batch in the epoch, from 0.</param>
abstract class BatchWork<TBatch>(long epoch, long batch) where TBatch : IBatch<TBatch>
{
    const long None = -1;
    long _sample = None;

    public long Epoch => epoch;

    public long Batch => batch;

    /// <summary>The sample being read, or null while the batch is being collated. Read by other threads, for reports.</summary>
    public long? Sample => Volatile.Read(ref _sample) is var sample and not None ? sample : null;

    /// <summary>Reads the samples and collates them, without recording gradients.</summary>
    /// <param name="keep">What to do with each tensor of the batch so that it outlives the scope of the work.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DataLoaderException">Names the sample; the cause inside keeps the stack of this thread.</exception>
    public TBatch Run(Func<Tensor, Tensor> keep, CancellationToken cancellationToken)
    {
        try
        {
            using var plain = no_grad();
            return Make(cancellationToken).Map(keep);
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            throw new DataLoaderException(Epoch, Batch, Sample, error);
        }
    }

    protected abstract TBatch Make(CancellationToken cancellationToken);

    protected void Reading(long sample) => Volatile.Write(ref _sample, sample);

    protected void Collating() => Volatile.Write(ref _sample, None);
}

/// <summary>Hands out the batches of an epoch as work, in order. Used by one thread at a time.</summary>
abstract class BatchSource<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    /// <summary>The next batch to make, or null at the end of the epoch.</summary>
    /// <exception cref="DataLoaderException">A stream could not be read on.</exception>
    public abstract BatchWork<TBatch>? Next(CancellationToken cancellationToken);

    public abstract void Dispose();

    /// <summary>A reader of these batches, on the caller's thread or on workers; it owns the source.</summary>
    public BatchReader<TBatch> Read(LoaderOptions options, CancellationToken cancellationToken) => options.Workers == 0
        ? new InlineReader<TBatch>(this, cancellationToken)
        : new ThreadedReader<TBatch>(this, options, cancellationToken);
}
