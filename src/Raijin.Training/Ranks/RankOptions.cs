using Raijin.Collectives;

namespace Raijin.Training;

/// <summary>What a trainer's and a fabric's options say of ranks.</summary>
sealed record RankOptions
{
    public required int Devices { get; init; }

    /// <summary>How often ranks that are started from here are started again.</summary>
    public int MaxRestarts { get; init; }

    /// <summary>In which numbers they may go on.</summary>
    public IReadOnlyList<int>? ElasticRanks { get; init; }

    public required Strategy? Strategy { get; init; }

    public required TransportChoice Transport { get; init; }

    public required TimeSpan Deadline { get; init; }

    public required bool CheckCalls { get; init; }

    public GroupOptions Group => new() { Deadline = Deadline, CheckCalls = CheckCalls };
}
