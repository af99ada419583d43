namespace Raijin.Collectives;

/// <summary>Ranks could not do together what they were asked to.</summary>
/// <remarks>A group that threw this is of no further use: ranks may have got differently far. Every later call fails at once with the same cause.</remarks>
public class CollectiveException : Exception
{
    /// <summary>Says which call failed, and why.</summary>
    public CollectiveException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }

    /// <summary>The group's name.</summary>
    public string? Group { get; init; }

    /// <summary>What was being done.</summary>
    public CollectiveKind? Kind { get; init; }

    /// <summary>The call's number in its group.</summary>
    public long? Sequence { get; init; }
}

/// <summary>A call met its deadline. The message names the call, who came and who did not, and the last calls of each rank that can be seen.</summary>
public sealed class CollectiveTimeoutException : CollectiveException
{
    /// <summary>Says which call, and who is missing.</summary>
    public CollectiveTimeoutException(string message) : base(message)
    {
    }

    /// <summary>The ranks of the group that did not come.</summary>
    public IReadOnlyList<int> Missing { get; init; } = [];
}

/// <summary>Ranks made different calls at the same place: another operation, size, type or order.</summary>
public sealed class CollectiveMismatchException : CollectiveException
{
    /// <summary>Shows both calls.</summary>
    public CollectiveMismatchException(string message) : base(message)
    {
    }
}

/// <summary>Another rank gave up or died; the message is its own reason.</summary>
public sealed class RankFailureException : CollectiveException
{
    /// <summary>Says which rank, and what it said.</summary>
    public RankFailureException(int rank, string reason) : base($"Rank {rank} gave up: {reason}") => FailedRank = rank;

    /// <summary>Which rank failed.</summary>
    public int FailedRank { get; }
}
