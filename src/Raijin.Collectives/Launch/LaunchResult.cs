namespace Raijin.Collectives;

/// <summary>How a launch ended: all its ranks have.</summary>
public sealed record LaunchResult
{
    /// <summary>The launch's name, which those of its jobs begin with.</summary>
    public required string Name { get; init; }

    /// <summary>0 when every rank ended with 0; else that of the rank that failed first, or 128 and the number of the signal that stopped the launch.</summary>
    public required int ExitCode { get; init; }

    /// <summary>How many ranks there were in the end.</summary>
    public required int Ranks { get; init; }

    /// <summary>How often all ranks were started again.</summary>
    public required int Restarts { get; init; }

    /// <summary>The last failure; null when no rank failed, or a restart made up for it.</summary>
    public RankFailureReport? Failure { get; init; }

    /// <summary>Where the ranks' logs are.</summary>
    public required string LogFolder { get; init; }
}
