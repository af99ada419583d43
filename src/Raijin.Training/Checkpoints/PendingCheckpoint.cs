namespace Raijin.Training;

/// <summary>A checkpoint being written while training goes on.</summary>
public sealed class PendingCheckpoint
{
    readonly Task<CheckpointInfo> _writing;
    bool _seen;

    internal PendingCheckpoint(string name, Task<CheckpointInfo> writing)
    {
        Name = name;
        _writing = writing;
    }

    /// <summary>The checkpoint's name.</summary>
    public string Name { get; }

    /// <summary>Whether it is on the disk, or has failed.</summary>
    public bool IsCompleted => _writing.IsCompleted;

    /// <summary>The error nobody has seen yet.</summary>
    internal Exception? UnseenError => Volatile.Read(ref _seen) ? null : _writing.Exception?.InnerException;

    /// <summary>Waits until it is on the disk.</summary>
    /// <exception cref="CheckpointException">It could not be written.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the writing goes on.</exception>
    public CheckpointInfo Wait(CancellationToken cancellation = default)
    {
        WaitForEnd(cancellation);
        Volatile.Write(ref _seen, true);
        return _writing.GetAwaiter().GetResult();
    }

    /// <summary>Waits, and throws its error unless somebody has had it already.</summary>
    internal void Settle(CancellationToken cancellation)
    {
        if (Volatile.Read(ref _seen)) WaitForEnd(cancellation);
        else Wait(cancellation);
    }

    /// <summary>Waits, whatever the outcome.</summary>
    internal void WaitForEnd(CancellationToken cancellation)
    {
        try
        {
            _writing.Wait(cancellation);
        }
        catch (AggregateException) when (_writing.IsCompleted)
        {
            // Its failure, which the caller takes from the task without the wrapping.
        }
    }
}
