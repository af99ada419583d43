namespace Raijin;

/// <summary>Walks through the batches of one epoch. For one thread; dispose it to end its workers.</summary>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public abstract class BatchReader<TBatch> : IDisposable
{
    TBatch? _current;

    /// <summary>
    /// The batch that the last <see cref="MoveNext"/> made. Its tensors belong to the dispose scope that was open on the thread that called
    /// it, as if that thread had created them there.
    /// </summary>
    /// <exception cref="InvalidOperationException">No batch has been read yet.</exception>
    public TBatch Current => _current ?? throw new InvalidOperationException(
        "There is no batch: call MoveNext first, and only read Current while it returns true.");

    /// <summary>Makes the next batch, waiting for it if need be.</summary>
    /// <returns>False at the end of the epoch, and from then on.</returns>
    /// <exception cref="DataLoaderException">A sample could not be read or collated; names the sample.</exception>
    /// <exception cref="TimeoutException">The batch did not arrive within <see cref="LoaderOptions.Timeout"/>.</exception>
    /// <exception cref="OperationCanceledException">The token given to <see cref="DataLoader{TBatch}.Open"/> was cancelled.</exception>
    public bool MoveNext()
    {
        _current = default;
        return TryRead(out _current);
    }

    /// <summary>Makes the next batch on the calling thread's account; false at the end of the epoch.</summary>
    protected abstract bool TryRead([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TBatch? batch);

    /// <summary>Ends the reader: its workers stop, and batches made but not delivered are freed.</summary>
    public abstract void Dispose();
}
