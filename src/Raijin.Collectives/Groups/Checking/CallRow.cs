using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>What kind of door a rank came through.</summary>
enum CallDoor
{
    Call,
    Allocate,
    Split,
}

/// <summary>One rank's call as the ranks tell each other: a row of whole numbers, of the same length on every rank.</summary>
/// <param name="Door">Whether it moves something, allocates, or splits the group.</param>
/// <param name="Call">The call; for an allocation its type and length.</param>
/// <param name="InputCounts">The counts of its input; for a split the ranks of the part.</param>
/// <param name="OutputCounts">The counts of its output.</param>
/// <param name="Name">The name of the part that a split makes.</param>
sealed record CallRow(CallDoor Door, CallSummary Call, IReadOnlyList<long>? InputCounts = null, IReadOnlyList<long>? OutputCounts = null, string Name = "")
{
    const int NameWords = 4;
    const int Head = 8;
    const long None = -1;

    /// <summary>How many numbers a row has in a group of <paramref name="size"/>.</summary>
    public static int Length(int size) => Head + NameWords + (2 * size);

    public static CallRow Of(in Collective call, in CallSummary signature) => new(CallDoor.Call, signature, call.InputCounts, call.OutputCounts);

    public static CallRow OfAllocation(long numElements, ScalarType dtype) => new(CallDoor.Allocate, new(default, default, dtype, null, -1, -1, numElements));

    public static CallRow OfSplit(IReadOnlyList<int> ranks, string name) => new(CallDoor.Split, new(default, default, null, null, -1, -1, -1), [.. ranks.Select(r => (long)r)], null, name);

    /// <summary>Into numbers. A name is cut after 32 bytes.</summary>
    public long[] Write(int size)
    {
        var row = new long[Length(size)];
        row.AsSpan().Fill(None);
        ReadOnlySpan<long> head = [(long)Door, (long)Call.Kind, (long)Call.Op, (long?)Call.DType ?? None, (long?)Call.Wire ?? None, Call.Peer, Call.InputLength, Call.OutputLength];
        head.CopyTo(row);
        var name = row.AsSpan(Head, NameWords);
        name.Clear();
        Encoding.UTF8.GetEncoder().Convert(Name, MemoryMarshal.AsBytes(name), flush: true, out _, out _, out _);
        for (var r = 0; r < InputCounts?.Count; r++) row[Head + NameWords + r] = InputCounts[r];
        for (var r = 0; r < OutputCounts?.Count; r++) row[Head + NameWords + size + r] = OutputCounts[r];
        return row;
    }

    public static CallRow Read(ReadOnlySpan<long> row, int size)
    {
        var call = new CallSummary((CollectiveKind)row[1], (ReduceOp)row[2], Type(row[3]), Type(row[4]), (int)row[5], row[6], row[7]);
        var name = Encoding.UTF8.GetString(MemoryMarshal.AsBytes(row.Slice(Head, NameWords))).TrimEnd('\0');
        return new((CallDoor)row[0], call, Counts(row.Slice(Head + NameWords, size)), Counts(row.Slice(Head + NameWords + size, size)), name);

        static ScalarType? Type(long value) => value == None ? null : (ScalarType)value;

        static long[]? Counts(ReadOnlySpan<long> counts)
        {
            var kept = counts.IndexOf(None) is var end && end < 0 ? counts : counts[..end];
            return kept.Length == 0 ? null : kept.ToArray();
        }
    }

    /// <summary>As one line.</summary>
    public string Describe() => Door switch
    {
        CallDoor.Allocate => $"Allocate {Call.OutputLength:N0} × {Call.DType}",
        CallDoor.Split => $"Split [{string.Join(", ", InputCounts!)}] named {Name}",
        _ => Call.Describe() + Counts("input", InputCounts) + Counts("output", OutputCounts),
    };

    static string Counts(string what, IReadOnlyList<long>? counts) => counts is null ? "" : $", {what} by [{string.Join(", ", counts)}]";
}
