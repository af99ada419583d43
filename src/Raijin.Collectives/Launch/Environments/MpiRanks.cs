namespace Raijin.Collectives;

/// <summary>What MPI launchers say alike.</summary>
static class MpiRanks
{
    public static RankIdentity Read(LaunchVariables variables, string rankName, string sizeName, string localRankName, string localSizeName)
    {
        var rank = variables.Required(rankName, sizeName);
        var size = variables.Required(sizeName, rankName, least: 1);
        variables.CheckBelow(rankName, rank, sizeName, size);
        // Without the local ones nothing is known of hosts: then each rank has one, and the library finds out better.
        var isLocal = variables.HasAny(localRankName, localSizeName);
        var localRank = isLocal ? variables.Required(localRankName, localSizeName) : 0;
        var localSize = isLocal ? variables.Required(localSizeName, localRankName, least: 1) : 1;
        variables.CheckBelow(localRankName, localRank, localSizeName, localSize);
        variables.CheckAtMost(localSizeName, localSize, sizeName, size);
        return new(rank, size, localRank, localSize, rank / localSize, (size + localSize - 1) / localSize);
    }
}
