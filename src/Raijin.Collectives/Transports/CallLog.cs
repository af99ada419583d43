using System.Globalization;
using System.Text;

namespace Raijin.Collectives;

/// <summary>The last calls of one rank in one group.</summary>
sealed class CallLog(int length)
{
    readonly Entry[] _entries = new Entry[length];
    long _next;

    /// <summary>Notes that a call began.</summary>
    /// <returns>What <see cref="Completed"/> takes.</returns>
    public long Started(long number, in CallSummary call)
    {
        var ticket = _next++;
        if (_entries.Length > 0) _entries[ticket % _entries.Length] = new(ticket, number, call, IsDone: false);
        return ticket;
    }

    /// <summary>Notes that a call is complete.</summary>
    public void Completed(long ticket)
    {
        if (_entries.Length == 0 || ticket < 0) return;
        ref var entry = ref _entries[ticket % _entries.Length];
        if (entry.Ticket == ticket) entry = entry with { IsDone = true };
    }

    /// <summary>A line a call, oldest first.</summary>
    public string Describe()
    {
        if (_next == 0 || _entries.Length == 0) return "  none kept\n";
        var text = new StringBuilder();
        for (var ticket = Math.Max(0, _next - _entries.Length); ticket < _next; ticket++)
        {
            var (_, number, call, isDone) = _entries[ticket % _entries.Length];
            text.Append(CultureInfo.InvariantCulture, $"  {number,6}  {call.Describe()}{(isDone ? "" : ", under way")}\n");
        }
        return text.ToString();
    }

    readonly record struct Entry(long Ticket, long Number, CallSummary Call, bool IsDone);
}
