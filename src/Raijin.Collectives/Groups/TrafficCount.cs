namespace Raijin.Collectives;

/// <summary>How often ranks called each other, and with how many bytes.</summary>
/// <remarks>Bytes are those of the whole tensor in the type that crosses: [n] of an all-reduce, the input of a reduce-scatter, the output of an all-gather. What a transport moves for them is its own affair.</remarks>
public sealed class TrafficCount
{
    readonly long[] _calls = new long[Enum.GetValues<CollectiveKind>().Length];
    readonly long[] _bytes = new long[Enum.GetValues<CollectiveKind>().Length];

    /// <summary>Calls of a kind so far.</summary>
    public long Calls(CollectiveKind kind) => _calls[(int)kind];

    /// <summary>Bytes of the calls of a kind so far.</summary>
    public long Bytes(CollectiveKind kind) => _bytes[(int)kind];

    /// <summary>All calls so far.</summary>
    public long TotalCalls => _calls.Sum();

    internal void Count(CollectiveKind kind, long bytes)
    {
        _calls[(int)kind]++;
        _bytes[(int)kind] += bytes;
    }
}
