namespace Raijin.Collectives;

/// <summary>Ranks that MPICH's <c>mpiexec</c>, or another that speaks PMI, started.</summary>
static class PmiEnvironment
{
    const string Rank = "PMI_RANK", Size = "PMI_SIZE", LocalRank = "MPI_LOCALRANKID", LocalSize = "MPI_LOCALNRANKS";

    public static ClusterEnvironment? Read(LaunchVariables variables)
    {
        // srun speaks PMI too, and says more in its own variables.
        if (!variables.HasAny(Rank, Size) || SlurmEnvironment.IsSameTask(variables, Rank)) return null;
        return new ClusterEnvironment
        {
            Launcher = "mpiexec (PMI)",
            Identity = MpiRanks.Read(variables, Rank, Size, LocalRank, LocalSize),
            IsMpi = true,
            Restart = variables.Number(LocalEnvironment.Restart) ?? 0,
        };
    }
}
