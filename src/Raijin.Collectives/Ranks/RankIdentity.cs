namespace Raijin.Collectives;

/// <summary>Which of the ranks a process is, and where.</summary>
/// <param name="Rank">Its number among all, from 0.</param>
/// <param name="WorldSize">How many there are.</param>
/// <param name="LocalRank">Its number among those of its host, from 0.</param>
/// <param name="LocalWorldSize">How many its host has.</param>
/// <param name="Node">The number of its host, from 0.</param>
/// <param name="NumNodes">How many hosts there are.</param>
public readonly record struct RankIdentity(int Rank, int WorldSize, int LocalRank, int LocalWorldSize, int Node, int NumNodes)
{
    /// <summary>The only rank there is.</summary>
    public static RankIdentity Single { get; } = new(0, 1, 0, 1, 0, 1);
}
