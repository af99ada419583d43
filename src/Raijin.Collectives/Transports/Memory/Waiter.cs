using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace Raijin.Collectives;

/// <summary>
/// How one rank waits for a word of another: first it looks at the word for a bounded time, then it sleeps in the kernel until somebody rings. The time it looks is halved whenever it was in vain and
/// doubled whenever looking would have been enough, so on a busy machine ranks give their core away at once.
/// </summary>
sealed unsafe class Waiter(RankBoard board, int worldRank, TimeSpan longestSpin)
{
    const int LooksAtOnce = 64;

    // So many times the longest look is what a short wait takes when it is slept through.
    const int WakeUps = 5;

    static readonly TimeSpan ShortestSpin = TimeSpan.FromMicroseconds(2);

    readonly long _longest = Ticks(longestSpin);
    readonly long _shortest = Math.Min(Ticks(ShortestSpin), Ticks(longestSpin));
    long _spin = Ticks(longestSpin);

    /// <summary>Waits until <paramref name="word"/> has reached <paramref name="target"/>, the group has failed, somebody rang, or the time is over.</summary>
    public void Pause(long* word, long target, GroupBlock block, TimeSpan atMost)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            for (var i = 0; i < LooksAtOnce; i++)
            {
                if (Volatile.Read(ref *word) >= target)
                {
                    return;
                }
                if (X86Base.IsSupported) X86Base.Pause();
                else Thread.SpinWait(1);
            }
            var spun = Stopwatch.GetTimestamp() - start;
            if (block.HasFailed() || spun > Ticks(atMost)) return;
            if (spun > _spin) break;
        }

        Sleep(word, target, block, atMost - Stopwatch.GetElapsedTime(start));
        var waited = Stopwatch.GetTimestamp() - start;
        // Waking up takes longer than most waits: one that was over soon after would have been seen by looking.
        _spin = waited < WakeUps * _longest ? Math.Min(_longest, _spin * 2) : Math.Max(_shortest, _spin / 2);
    }

    /// <summary>Wakes a rank if it sleeps. Whatever it waits for was written before, by an operation that is a full barrier.</summary>
    public void Ring(int other)
    {
        var line = board[other];
        if (Volatile.Read(ref line->Sleeping) == 0) return;
        Interlocked.Increment(ref line->Bell);
        Futex.Wake(&line->Bell);
    }

    void Sleep(long* word, long target, GroupBlock block, TimeSpan atMost)
    {
        var line = board[worldRank];
        var seen = Volatile.Read(ref line->Bell);
        // A full barrier: either the other sees that this one sleeps, or this one sees what the other wrote.
        Interlocked.Increment(ref line->Sleeping);
        if (Volatile.Read(ref *word) < target && !block.HasFailed()) Futex.Wait(&line->Bell, seen, atMost);
        Interlocked.Decrement(ref line->Sleeping);
    }

    static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
