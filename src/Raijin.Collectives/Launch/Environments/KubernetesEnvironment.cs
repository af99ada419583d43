namespace Raijin.Collectives;

/// <summary>
/// The pods of a Kubernetes indexed job, a rank each: JOB_COMPLETION_INDEX is set by Kubernetes, WORLD_SIZE (the job's parallelism), MASTER_ADDR and MASTER_PORT by the job's author.
/// Without WORLD_SIZE the pods are independent runs.
/// </summary>
static class KubernetesEnvironment
{
    public const string Index = "JOB_COMPLETION_INDEX";

    const string WorldSize = "WORLD_SIZE", Address = "MASTER_ADDR", Port = "MASTER_PORT";

    public static ClusterEnvironment? Read(LaunchVariables variables)
    {
        if (!variables.HasAny(Index) || !variables.HasAny(WorldSize)) return null;
        var rank = variables.Required(Index, WorldSize);
        var size = variables.Required(WorldSize, Index, least: 1);
        variables.CheckBelow(Index, rank, WorldSize, size);
        if (variables.HasAny(Address) && !variables.HasAny(Port)) variables.Fault(Address, $"is set without {Port}: ranks meet at {Address}:{Port}");
        return new ClusterEnvironment
        {
            Launcher = "a Kubernetes indexed job",
            Identity = new(rank, size, 0, 1, rank, size),
            Rendezvous = variables.HasAny(Address) ? $"{variables.Text(Address)}:{variables.Text(Port)}" : null,
        };
    }
}
