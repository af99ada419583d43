using System.Diagnostics;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>A call under way. Its tensors belong to it until it is complete: wait for it, or poll it, before touching them.</summary>
/// <remarks>Collectives of a group complete in their order: waiting for one drives those before it too. Messages do not wait for collectives, nor for messages of other ranks.</remarks>
public sealed class Work
{
    internal static readonly Work Done = new();

    readonly Group? _group;
    Tensor? _owned;
    PendingCollective? _pending;

    Work()
    {
    }

    internal Work(Group group) => _group = group;

    internal CallSummary Call { get; private set; }

    /// <summary>Its number in the group, or among the messages of its pair.</summary>
    internal long Number { get; private set; }

    /// <summary>Its place in the log.</summary>
    internal long Ticket { get; private set; }

    /// <summary>What times it.</summary>
    internal CallClock Clock { get; set; }

    internal PendingCollective? Pending => _pending;

    /// <summary>Whether it was complete when last looked at.</summary>
    public bool IsCompleted => _pending is null;

    /// <summary>Goes on as far as is possible without waiting. No deadline holds for whoever only polls.</summary>
    /// <returns>Whether it is complete.</returns>
    /// <exception cref="CollectiveException">It failed, here or on another rank.</exception>
    public bool Poll() => _pending is null || _group!.Poll(this);

    /// <summary>Waits until it is complete.</summary>
    /// <param name="cancellationToken">Gives up waiting; the group is then of no further use, and the other ranks are told.</param>
    /// <exception cref="CollectiveTimeoutException">The group's deadline was met: it counts from the beginning of this wait.</exception>
    /// <exception cref="CollectiveException">It failed, here or on another rank.</exception>
    public void Wait(CancellationToken cancellationToken = default)
    {
        if (_pending is not null) _group!.Await(this, alongside: null, cancellationToken);
    }

    /// <summary>Waits until it is complete, and meanwhile goes on with another group's calls, as far as they can: ranks then wait for each other once, not group by group.</summary>
    /// <param name="alongside">A group of the same thread.</param>
    /// <param name="cancellationToken">As for <see cref="Wait(CancellationToken)"/>.</param>
    public void Wait(Group alongside, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alongside);
        if (_pending is not null) _group!.Await(this, alongside, cancellationToken);
    }

    /// <summary>Waits without holding a thread: <c>await work</c> polls as long as it takes.</summary>
    /// <param name="cancellationToken">As for <see cref="Wait(CancellationToken)"/>.</param>
    public async Task WaitAsync(CancellationToken cancellationToken = default)
    {
        var started = Stopwatch.GetTimestamp();
        for (var turn = 0; !Poll(); turn++)
        {
            _group!.ThrowIfOver(this, started, cancellationToken);
            // Short waits are the rule: a thread's turn later most are over.
            if (turn < 20) await Task.Yield();
            else await Task.Delay(1, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Makes <c>await work</c> possible.</summary>
    public TaskAwaiter GetAwaiter() => WaitAsync().GetAwaiter();

    /// <summary>Takes up a call; the one before it, if any, is over and nobody holds it.</summary>
    internal Work Begin(in CallSummary call, long number, long ticket, PendingCollective pending, Tensor? owned)
    {
        Call = call;
        Number = number;
        Ticket = ticket;
        Clock = default;
        _pending = pending;
        _owned = owned;
        return this;
    }

    internal void Complete()
    {
        _pending = null;
        Abandon();
    }

    internal void Abandon() => _owned?.Dispose();
}
