using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Raijin.Collectives;

/// <summary>Whoever waits drives: calls go on while somebody waits for one, or looks.</summary>
public sealed partial class Group
{
    // Short enough to notice a cancellation; a partner's arrival ends a pause sooner.
    static readonly TimeSpan LongPause = TimeSpan.FromMilliseconds(20);

    // Where several calls wait for different partners, none of them may hold the thread for long.
    static readonly TimeSpan ShortPause = TimeSpan.FromMicroseconds(100);

    // While another group's calls go on beside. Later ones are left until that group is waited for.
    static readonly TimeSpan Glance = TimeSpan.FromMicroseconds(2);
    static readonly TimeSpan LongestCompany = TimeSpan.FromMicroseconds(500);

    /// <summary>Goes on as far as is possible without waiting, or until one call is complete.</summary>
    void Advance(Work? until)
    {
        try
        {
            for (var i = 0; i < _messages.Count;)
            {
                if (IsBehindAnother(i) || !_messages[i].Pending!.Poll()) i++;
                else
                {
                    Finish(_messages[i]);
                    _messages.RemoveAt(i);
                }
            }
            while (until is not { IsCompleted: true } && _collectives.TryPeek(out var first) && first.Pending!.Poll())
            {
                Finish(first);
                _collectives.Dequeue();
            }
        }
        catch (Exception error) when (Breaks(error))
        {
            throw;
        }
    }

    /// <summary>Messages of one pair in one direction complete in their order.</summary>
    bool IsBehindAnother(int index)
    {
        var call = _messages[index].Call;
        for (var i = 0; i < index; i++)
            if (_messages[i].Call.Kind == call.Kind && _messages[i].Call.Peer == call.Peer) return true;
        return false;
    }

    /// <summary>Waits for a call that nobody else knows: its <see cref="Work"/> serves the next one, so that calls that wait make no garbage.</summary>
    void Complete(Work work, CancellationToken cancellation)
    {
        if (work.IsCompleted) return;
        work.Wait(cancellation);
        _spare = work;
    }

    void Finish(Work work)
    {
        work.Complete();
        _log.Completed(work.Ticket);
        Times?.Complete(work.Clock);
    }

    internal bool Poll(Work work)
    {
        Enter();
        try
        {
            Advance(work);
        }
        finally
        {
            Leave();
        }
        return work.IsCompleted;
    }

    internal void Await(Work work, Group? alongside, CancellationToken cancellation)
    {
        Enter();
        try
        {
            if (Times is not { } times)
            {
                Finish(work, cancellation, alongside);
                return;
            }
            var started = Stopwatch.GetTimestamp();
            Finish(work, cancellation, alongside);
            times.Waited(work.Clock, Stopwatch.GetTimestamp() - started);
        }
        finally
        {
            Leave();
        }
    }

    void Finish(Work work, CancellationToken cancellation, Group? alongside = null)
    {
        Advance(work);
        if (work.IsCompleted) return;
        var started = Stopwatch.GetTimestamp();
        while (!work.IsCompleted)
        {
            ThrowIfOver(work, started, cancellation);
            var first = work.Call.IsMessage ? work : _collectives.Peek();
            var hasCompany = alongside is { _collectives.Count: > 0 } && Stopwatch.GetElapsedTime(started) < LongestCompany;
            if (hasCompany) alongside!.Progress();
            var others = _messages.Count + (_collectives.Count > 0 ? 1 : 0) > 1;
            try
            {
                first.Pending!.Pause(hasCompany ? Glance : others ? ShortPause : LongPause);
            }
            catch (Exception error) when (Breaks(error))
            {
                throw;
            }
            ThrowIfBroken();
            Advance(work);
        }
    }

    /// <summary>Ends the group when a wait is cancelled or has met its deadline.</summary>
    internal void ThrowIfOver(Work work, long started, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            Fail(new CollectiveException($"{work.Call.Describe()}, number {work.Number} of group {Name}, was cancelled on rank {Rank}.") { Group = Name, Kind = work.Call.Kind, Sequence = work.Number });
            cancellation.ThrowIfCancellationRequested();
        }
        if (Options.Deadline == Timeout.InfiniteTimeSpan || Stopwatch.GetElapsedTime(started) < Options.Deadline) return;
        var first = work.Call.IsMessage ? work : _collectives.Peek();
        // Of a message only its two ranks are expected.
        List<int> expected = first.Call.IsMessage ? [Rank, first.Call.Peer] : [.. Enumerable.Range(0, Size)];
        List<int> missing = [.. first.Pending!.Missing().Intersect(expected)];
        var error = new CollectiveTimeoutException(LateText(first, expected, missing)) { Group = Name, Kind = first.Call.Kind, Sequence = first.Number, Missing = missing };
        Fail(error);
        throw error;
    }

    string LateText(Work work, IReadOnlyList<int> expected, IReadOnlyList<int> missing)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{work.Call.Kind} number {work.Number} of group {Name} met its deadline of {Options.Deadline:c} on rank {Rank}: {work.Call.Describe()}.\n");
        text.Append(CultureInfo.InvariantCulture, $"Came: {Names(expected.Except(missing))}. Did not come: {Names(missing)}. Every rank must make the same calls in the same order.\n");
        for (var rank = 0; rank < Size; rank++)
            if ((rank == Rank ? _log.Describe() : _transport.DescribePeer(rank)) is { } calls) text.Append(CultureInfo.InvariantCulture, $"The last calls of rank {Named(rank)}:\n{calls}");
        return text.ToString();

        string Names(IEnumerable<int> ranks) => string.Join(", ", ranks.Select(Named).DefaultIfEmpty("nobody"));
    }

    /// <summary>A rank as messages call it: with its number in the world where that is another.</summary>
    string Named(int rank) => GlobalRanks[rank] == rank ? $"{rank}" : $"{rank} (rank {GlobalRanks[rank]} of the world)";
}
