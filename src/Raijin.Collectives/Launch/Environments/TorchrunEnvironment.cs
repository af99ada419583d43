namespace Raijin.Collectives;

/// <summary>
/// Ranks that <c>torchrun</c> started, or anyone who sets its variables: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, GROUP_RANK, MASTER_ADDR, MASTER_PORT. Without the local ones
/// (Kubeflow's PyTorchJob) each rank has a host of its own, unless the master is this host.
/// </summary>
static class TorchrunEnvironment
{
    const string Rank = "RANK", WorldSize = "WORLD_SIZE", LocalRank = "LOCAL_RANK", LocalWorldSize = "LOCAL_WORLD_SIZE", GroupRank = "GROUP_RANK", GroupWorldSize = "GROUP_WORLD_SIZE";
    const string Address = "MASTER_ADDR", Port = "MASTER_PORT", RunId = "TORCHELASTIC_RUN_ID", RestartCount = "TORCHELASTIC_RESTART_COUNT";

    static readonly string[] ThisHost = ["localhost", "127.0.0.1", "::1"];

    public static ClusterEnvironment? Read(LaunchVariables variables)
    {
        // A WORLD_SIZE alone belongs to a Kubernetes job that numbers its pods otherwise.
        if (!variables.HasAny(Rank) && (!variables.HasAny(WorldSize) || variables.HasAny(KubernetesEnvironment.Index))) return null;
        var rank = variables.Required(Rank, WorldSize);
        var size = variables.Required(WorldSize, Rank, least: 1);
        variables.CheckBelow(Rank, rank, WorldSize, size);

        var (localRank, localSize) = Local(variables, rank, size);
        variables.CheckBelow(LocalRank, localRank, LocalWorldSize, localSize);
        variables.CheckAtMost(LocalWorldSize, localSize, WorldSize, size);
        if (localRank > rank) variables.Fault(LocalRank, $"must not be more than {Rank} = {rank}: ranks are numbered host by host");
        var nodes = variables.Number(GroupWorldSize, least: 1) ?? (size + localSize - 1) / localSize;
        var node = variables.Number(GroupRank) ?? (rank - localRank) / localSize;
        if (node >= nodes && variables.HasAny(GroupRank)) variables.Fault(GroupRank, $"must be less than the number of hosts, {nodes}");
        else if (node >= nodes && variables.HasAny(GroupWorldSize)) variables.Fault(GroupWorldSize, $"is too few hosts for {Rank} = {rank} with {localSize} ranks on each");

        if (size > 1 && variables.HasAny(Address) != variables.HasAny(Port))
        {
            var (set, unset) = variables.HasAny(Address) ? (Address, Port) : (Port, Address);
            variables.Fault(set, $"is set without {unset}: ranks meet at {Address}:{Port}");
        }
        _ = variables.Number(Port, least: 1);
        var place = variables.HasAny(Address) ? $"{variables.Text(Address)}:{variables.Text(Port)}" : null;
        return new ClusterEnvironment
        {
            Launcher = variables.HasAny(RunId) ? "torchrun" : "torchrun's variables",
            Identity = new(rank, size, localRank, localSize, node, nodes),
            Rendezvous = place,
            Job = place is null ? null : LaunchVariables.JobName("torchrun", place, variables.Text(RunId), variables.Text(RestartCount)),
            Restart = variables.Number(RestartCount) ?? 0,
        };
    }

    static (int Rank, int Size) Local(LaunchVariables variables, int rank, int size)
    {
        var isHere = size == 1 || ThisHost.Contains(variables.Text(Address), StringComparer.OrdinalIgnoreCase);
        if (!variables.HasAny(LocalRank, LocalWorldSize)) return isHere ? (rank, size) : (0, 1);
        var localRank = variables.Required(LocalRank, LocalWorldSize);
        if (variables.Number(LocalWorldSize, least: 1) is { } localSize) return (localRank, localSize);
        if (variables.Number(GroupWorldSize, least: 1) is { } groups && size % groups == 0) return (localRank, size / groups);
        if (!isHere) variables.Fault(LocalRank, $"is set without {LocalWorldSize}: how many of the {size} ranks are on this host?");
        return (localRank, size);
    }
}
