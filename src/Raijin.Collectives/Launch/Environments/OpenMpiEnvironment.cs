namespace Raijin.Collectives;

/// <summary>Ranks that Open MPI's <c>mpirun</c> started. It does not say which host has which number; they are counted as if each had as many ranks as this one.</summary>
static class OpenMpiEnvironment
{
    const string Rank = "OMPI_COMM_WORLD_RANK", Size = "OMPI_COMM_WORLD_SIZE", LocalRank = "OMPI_COMM_WORLD_LOCAL_RANK", LocalSize = "OMPI_COMM_WORLD_LOCAL_SIZE";

    // The launch's name: of version 5 and, before it, of 4.
    const string Namespace = "PMIX_NAMESPACE", JobId = "OMPI_MCA_ess_base_jobid";

    public static ClusterEnvironment? Read(LaunchVariables variables)
    {
        if (!variables.HasAny(Rank, Size)) return null;
        var identity = MpiRanks.Read(variables, Rank, Size, LocalRank, LocalSize);
        var job = variables.Text(Namespace) ?? variables.Text(JobId);
        return new ClusterEnvironment
        {
            Launcher = "mpirun (Open MPI)",
            Identity = identity,
            IsMpi = true,
            Job = job is null ? null : LaunchVariables.JobName("mpi", job),
            Restart = variables.Number(LocalEnvironment.Restart) ?? 0,
        };
    }
}
