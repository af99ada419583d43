using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>What the ranks of a world know of each other, in memory that all reach: who sleeps, who is inside another's memory, which process each is.</summary>
readonly unsafe struct RankBoard(byte* start)
{
    /// <summary>Bytes for a world of <paramref name="size"/>.</summary>
    public static long Bytes(int size) => (long)size * sizeof(RankLine);

    /// <summary>The part of a rank of the world.</summary>
    public RankLine* this[int worldRank] => (RankLine*)start + worldRank;
}

/// <summary>One rank's part of the board. What different ranks write lies on different cache lines.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
struct RankLine
{
    /// <summary>Counts the times this rank was woken; it sleeps on this word.</summary>
    [FieldOffset(0)]
    public int Bell;

    /// <summary>How many of this rank's threads sleep.</summary>
    [FieldOffset(4)]
    public int Sleeping;

    /// <summary>How many of this rank's threads read or write memory of others.</summary>
    [FieldOffset(64)]
    public int Inside;

    /// <summary>Not 0 once it has left the world.</summary>
    [FieldOffset(128)]
    public int Left;

    /// <summary>Its process; 0 before it has joined.</summary>
    [FieldOffset(136)]
    public long ProcessId;

    /// <summary>When its process began, in the system's own unit: tells it from a later process of the same number.</summary>
    [FieldOffset(144)]
    public long ProcessStart;
}
