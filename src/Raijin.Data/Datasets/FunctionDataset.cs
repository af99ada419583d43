namespace Raijin.Data;

/// <summary>Samples by a function of the request.</summary>
sealed class FunctionDataset<T>(long count, Func<SampleRequest, T> read, string identity = "") : Dataset<T>
{
    public override long Count => count;

    protected internal override string Identity => identity;

    public override T Get(SampleRequest request) => read(request);
}

/// <summary>A stream by a function of the epoch.</summary>
sealed class FunctionStream<T>(Func<long, IEnumerable<T>> read) : StreamDataset<T>
{
    public override IEnumerable<T> Read(long epoch, long first, CancellationToken cancellationToken)
    {
        long number = 0;
        foreach (var sample in read(epoch))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (number++ >= first) yield return sample;
        }
    }
}
