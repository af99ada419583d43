using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Raijin.Collectives;

/// <summary>A call under way. Its tensors belong to it until it is complete: wait for it, or poll it, before touching them.</summary>
/// <remarks>Calls of a group complete in their order: waiting for one drives those before it too.</remarks>
public sealed class Work
{
    internal static readonly Work Done = new();

    readonly Group? _group;
    readonly long _started;
    PendingCollective? _pending;

    Work()
    {
    }

    internal Work(Group group, in Collective call, PendingCollective pending)
    {
        _group = group;
        _pending = pending;
        _started = Stopwatch.GetTimestamp();
        Kind = call.Kind;
        Sequence = call.Sequence;
    }

    internal CollectiveKind Kind { get; }

    internal long Sequence { get; }

    internal PendingCollective? Pending => _pending;

    internal TimeSpan Waited => Stopwatch.GetElapsedTime(_started);

    /// <summary>Whether it was complete when last looked at.</summary>
    public bool IsCompleted => _pending is null;

    /// <summary>Goes on as far as is possible without waiting.</summary>
    /// <returns>Whether it is complete.</returns>
    /// <exception cref="CollectiveException">It failed, here or on another rank.</exception>
    public bool Poll() => _pending is null || _group!.Drive(this);

    /// <summary>Waits until it is complete.</summary>
    /// <param name="cancellationToken">Gives up waiting; the group is then of no further use, and the other ranks are told.</param>
    /// <exception cref="CollectiveTimeoutException">The group's deadline was met.</exception>
    /// <exception cref="CollectiveException">It failed, here or on another rank.</exception>
    public void Wait(CancellationToken cancellationToken = default)
    {
        if (_pending is not null) _group!.Await(this, cancellationToken);
    }

    /// <summary>Waits without holding a thread: <c>await work</c> polls as long as it takes.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken = default)
    {
        // Short waits are the rule: a thread's turn later most are over.
        for (var turn = 0; !Poll(); turn++)
        {
            _group!.ThrowIfLate(this);
            if (turn < 20) await Task.Yield();
            else await Task.Delay(1, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Makes <c>await work</c> possible.</summary>
    public TaskAwaiter GetAwaiter() => WaitAsync().GetAwaiter();

    internal void Complete() => _pending = null;
}
