using Raijin.Data;

namespace Raijin;

/// <summary>Makes datasets of what is at hand.</summary>
public static class Dataset
{
    /// <summary>Samples that lie in memory; the list is used, not copied.</summary>
    public static Dataset<T> Of<T>(IReadOnlyList<T> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        return new FunctionDataset<T>(samples.Count, request => samples[(int)request.Index]);
    }

    /// <summary>Samples that a function reads or makes: files, generated data.</summary>
    /// <param name="count">Number of samples.</param>
    /// <param name="read">Reads one; called from several threads at once.</param>
    public static Dataset<T> Of<T>(long count, Func<SampleRequest, T> read)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(read);
        return new FunctionDataset<T>(count, read);
    }

    /// <summary>A stream that can only be read from its beginning: resuming reads and drops the samples before the position.</summary>
    /// <param name="read">The samples of an epoch (from 0), in order.</param>
    public static StreamDataset<T> Stream<T>(Func<long, IEnumerable<T>> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return new FunctionStream<T>(read);
    }

    /// <summary>
    /// Several streams as one: a sample of each in turn, until all have ended. Where all lengths are known it seeks by arithmetic; else it reads
    /// and drops what lies before the position.
    /// </summary>
    /// <param name="streams">At least one: files, shards.</param>
    public static StreamDataset<T> Interleave<T>(params IEnumerable<StreamDataset<T>> streams)
    {
        ArgumentNullException.ThrowIfNull(streams);
        StreamDataset<T>[] all = [.. streams];
        ArgumentOutOfRangeException.ThrowIfZero(all.Length, nameof(streams));
        return new InterleavedStream<T>(all);
    }
}
