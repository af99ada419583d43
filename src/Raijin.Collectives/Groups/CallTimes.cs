// One entry of time a call. A call is measured where it passes anyway: at its beginning, when it is seen to be complete, and around each wait for it. What is kept of single calls is a ring of the last
// collectives, numbered alike on all members; comparing them needs no common clock, for whoever came last waited least.

using System.Diagnostics;

namespace Raijin.Collectives;

/// <summary>What the calls of one group took on this rank.</summary>
sealed class CallTimes(Group group, int kept)
{
    readonly Dictionary<(CollectiveKind Kind, long Bytes), CallLine> _lines = [];
    readonly Slot[] _last = new Slot[kept];
    CallLine? _latest;
    long _first = -1;
    long _next;

    public Group Group => group;

    /// <summary>The lines, in the order in which they first came.</summary>
    public IReadOnlyCollection<CallLine> Lines => _lines.Values;

    /// <summary>The numbers of the collectives that are kept, and complete.</summary>
    public (long From, long To) Kept => (_first < 0 ? _next : Math.Max(_first, _next - _last.Length), _next);

    public ref readonly Slot At(long number) => ref _last[number % _last.Length];

    /// <summary>A call has begun, and may be complete.</summary>
    /// <param name="work">It.</param>
    /// <param name="call">What it is.</param>
    /// <param name="number">Its number among the group's collectives; -1 for a message.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="started">When it was made.</param>
    public void Began(Work work, CollectiveKind call, long number, long bytes, long started)
    {
        var line = _latest is { } same && same.Kind == call && same.Bytes == bytes ? same : _latest = Line(call, bytes);
        var held = Stopwatch.GetTimestamp() - started;
        var clock = new CallClock(line, number, started);
        line.Held += held;
        if (number >= 0)
        {
            if (_first < 0) _first = number;
            _next = number + 1;
            _last[number % _last.Length] = new(number, line, held);
        }
        if (work.IsCompleted) Complete(clock);
        else work.Clock = clock;
    }

    /// <summary>A call is seen to be complete.</summary>
    public void Complete(in CallClock clock)
    {
        if (clock.Line is not { } line) return;
        line.Count++;
        line.Latency += Stopwatch.GetTimestamp() - clock.Started;
    }

    /// <summary>A call was waited for.</summary>
    public void Waited(in CallClock clock, long ticks)
    {
        if (clock.Line is not { } line) return;
        line.Held += ticks;
        if (clock.Number < 0) return;
        ref var slot = ref _last[clock.Number % _last.Length];
        if (slot.Number == clock.Number && slot.Line == line) slot = slot with { Held = slot.Held + ticks };
    }

    CallLine Line(CollectiveKind kind, long bytes)
    {
        if (!_lines.TryGetValue((kind, bytes), out var line)) _lines.Add((kind, bytes), line = new CallLine(kind, bytes));
        return line;
    }

    /// <summary>One of the last collectives.</summary>
    /// <param name="Number">Its number in the group.</param>
    /// <param name="Line">What it is counted in.</param>
    /// <param name="Held">Ticks for which it held its rank's thread.</param>
    public readonly record struct Slot(long Number, CallLine Line, long Held);
}

/// <summary>Calls of one kind and size.</summary>
sealed class CallLine(CollectiveKind kind, long bytes)
{
    public CollectiveKind Kind => kind;

    public long Bytes => bytes;

    /// <summary>Complete ones.</summary>
    public long Count { get; set; }

    /// <summary>Ticks from their beginning to when they were seen to be complete.</summary>
    public long Latency { get; set; }

    /// <summary>Ticks for which they held their rank's thread.</summary>
    public long Held { get; set; }
}

/// <summary>A call being measured; none where it is not.</summary>
readonly record struct CallClock(CallLine? Line, long Number, long Started);
