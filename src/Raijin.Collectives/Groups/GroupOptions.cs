namespace Raijin.Collectives;

/// <summary>How a group of ranks treats its calls.</summary>
public sealed record GroupOptions
{
    /// <summary>How long a call may wait for the others before it fails.</summary>
    /// <value>Default 10 minutes. Longer than the longest time one rank may be busy alone (a checkpoint, an evaluation).</value>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether each call first compares its signature (operation, type, size, reduction) over all ranks, so that a mismatch is an error instead of wrong numbers. Costs a small exchange a call.</summary>
    /// <value>Default false.</value>
    public bool CheckCalls { get; init; }

    /// <summary>How many of its last calls each rank remembers, for the report of a timeout.</summary>
    /// <value>Default 64.</value>
    public int LogLength { get; init; } = 64;
}
