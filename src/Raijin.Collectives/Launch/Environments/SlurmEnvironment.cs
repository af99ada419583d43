using System.Globalization;
using System.Text.RegularExpressions;

namespace Raijin.Collectives;

/// <summary>Ranks that Slurm's <c>srun</c> started. A batch script itself has SLURM_PROCID too, but is no step: what it starts without <c>srun</c> is the only rank.</summary>
static partial class SlurmEnvironment
{
    const string Rank = "SLURM_PROCID", StepSize = "SLURM_STEP_NUM_TASKS", Size = "SLURM_NTASKS", LocalRank = "SLURM_LOCALID", Node = "SLURM_NODEID";
    const string StepNodes = "SLURM_STEP_NUM_NODES", Nodes = "SLURM_NNODES", StepTasks = "SLURM_STEP_TASKS_PER_NODE", Tasks = "SLURM_TASKS_PER_NODE";
    const string NodeList = "SLURM_STEP_NODELIST", JobId = "SLURM_JOB_ID", StepId = "SLURM_STEP_ID", RestartCount = "SLURM_RESTART_COUNT";

    public static ClusterEnvironment? Read(LaunchVariables variables)
    {
        if (!variables.HasAny(Rank) || !IsStep(variables)) return null;
        var rank = variables.Required(Rank, NodeList);
        var sizeName = variables.HasAny(StepSize) ? StepSize : Size;
        var size = variables.Required(sizeName, Rank, least: 1);
        variables.CheckBelow(Rank, rank, sizeName, size);
        var nodesName = variables.HasAny(StepNodes) ? StepNodes : Nodes;
        var nodes = variables.Number(nodesName, least: 1) ?? 1;
        var node = nodes == 1 ? 0 : variables.Required(Node, Rank);
        variables.CheckBelow(Node, node, nodesName, nodes);
        var localRank = nodes == 1 ? rank : variables.Required(LocalRank, Rank);
        var localSize = nodes == 1 ? size : LocalSize(variables, node, nodes, size);
        if (localRank >= localSize) variables.Fault(LocalRank, $"must be less than the tasks of host {node}, {localSize}");
        return new ClusterEnvironment
        {
            Launcher = "srun (Slurm)",
            Identity = new(rank, size, localRank, localSize, node, nodes),
            IsMpi = variables.HasAny("PMIX_RANK", "PMI_RANK"),
            Job = variables.HasAny(JobId) ? LaunchVariables.JobName("slurm", variables.Text(JobId), variables.Text(StepId), variables.Text(RestartCount)) : null,
            Restart = variables.Number(LocalEnvironment.Restart) ?? variables.Number(RestartCount) ?? 0,
        };
    }

    /// <summary>Whether the rank another variable names is the task that srun started.</summary>
    public static bool IsSameTask(LaunchVariables variables, string rankName) => IsStep(variables) && variables.Text(Rank) is { } rank && rank == variables.Text(rankName);

    static bool IsStep(LaunchVariables variables) => variables.HasAny(StepSize, NodeList);

    // 4(x2),3: two hosts with four tasks, and one with three.
    static int LocalSize(LaunchVariables variables, int node, int nodes, int size)
    {
        var name = variables.HasAny(StepTasks) ? StepTasks : Tasks;
        if (variables.Text(name) is not { } text)
        {
            if (size % nodes != 0) variables.Fault(Rank, $"is one of {size} on {nodes} hosts, but {StepTasks} does not say how many are on each");
            return Math.Max(1, size / nodes);
        }
        var counts = new List<int>();
        foreach (var part in text.Split(','))
        {
            var match = Share().Match(part);
            if (!match.Success)
            {
                variables.Fault(name, "expected tasks per host, such as 4(x2),3");
                return size;
            }
            var hosts = match.Groups[2].Success ? int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) : 1;
            counts.AddRange(Enumerable.Repeat(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), hosts));
        }
        if (counts.Count == nodes && counts.Sum() == size) return counts[Math.Min(node, nodes - 1)];
        variables.Fault(name, $"has {counts.Sum()} tasks on {counts.Count} hosts, but the step has {size} on {nodes}");
        return size;
    }

    [GeneratedRegex(@"^(\d{1,6})(?:\(x(\d{1,6})\))?$")]
    private static partial Regex Share();
}
