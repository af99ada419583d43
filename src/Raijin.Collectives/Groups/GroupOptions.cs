namespace Raijin.Collectives;

/// <summary>How a group of ranks treats its calls. Equal on all ranks.</summary>
public sealed record GroupOptions
{
    /// <summary>How long a wait for the others may last before it fails.</summary>
    /// <value>Default 10 minutes. Longer than the longest time one rank may be busy alone (a checkpoint, an evaluation); <see cref="Timeout.InfiniteTimeSpan"/> for no end.</value>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Whether each call first compares its signature (operation, type, sizes, reduction, root, counts) over all ranks, so that a mismatch is a <see cref="CollectiveMismatchException"/> on every rank
    /// instead of wrong numbers. Costs a small exchange a call, for which also calls that end in <c>Async</c> wait: for finding faults.
    /// </summary>
    /// <value>Default false.</value>
    public bool CheckCalls { get; init; }

    /// <summary>How many of its last calls each rank remembers, for the report of a timeout.</summary>
    /// <value>Default 64; 0 or more.</value>
    public int LogLength { get; init; } = 64;

    internal void ThrowIfInvalid()
    {
        var faults = new List<OptionFault>();
        if (Deadline <= TimeSpan.Zero && Deadline != Timeout.InfiniteTimeSpan) faults.Add(new("group.deadline", $"{Deadline:c} is no time to wait: give more than zero, or Timeout.InfiniteTimeSpan."));
        if (LogLength is < 0 or > 1_000_000) faults.Add(new("group.logLength", $"{LogLength} is not allowed: 0 to 1,000,000."));
        InvalidOptionsException.ThrowIfAny(faults);
    }
}
