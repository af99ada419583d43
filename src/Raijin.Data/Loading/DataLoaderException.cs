namespace Raijin;

/// <summary>A loader could not make a batch. Names the sample; the inner exception carries the stack of the thread that read it.</summary>
public sealed class DataLoaderException : Exception
{
    /// <summary>Names where it happened and keeps what happened.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="batch">Batch in the epoch, from 0.</param>
    /// <param name="sample">Index of the sample in its dataset, or null when the whole batch was being collated.</param>
    /// <param name="cause">What was thrown.</param>
    public DataLoaderException(long epoch, long batch, long? sample, Exception cause) : base(Describe(epoch, batch, sample, cause), cause)
    {
        Epoch = epoch;
        Batch = batch;
        Sample = sample;
    }

    /// <summary>Epoch, from 0.</summary>
    public long Epoch { get; }

    /// <summary>Batch in the epoch, from 0.</summary>
    public long Batch { get; }

    /// <summary>Index of the sample in its dataset (of a stream: its position), or null when the whole batch was being collated.</summary>
    public long? Sample { get; }

    static string Describe(long epoch, long batch, long? sample, Exception cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        var what = sample is { } index ? $"sample {index} could not be read" : "its samples could not be collated";
        return $"Epoch {epoch}, batch {batch}: {what}: {cause.GetType().Name}: {cause.Message}";
    }
}
