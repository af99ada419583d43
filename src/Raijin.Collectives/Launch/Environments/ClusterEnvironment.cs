using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>What the launcher that started this process says of it: which rank it is, and how ranks find each other.</summary>
/// <remarks>
/// Launchers nest (<c>torchrun</c> inside <c>srun</c>, <c>mpirun</c> inside a Slurm allocation), and each leaves its variables to what it starts. The innermost counts:
/// our own, torchrun, Open MPI, PMI (MPICH), Slurm, Kubernetes.
/// </remarks>
public sealed record ClusterEnvironment
{
    static readonly Func<LaunchVariables, ClusterEnvironment?>[] Launchers =
    [
        LocalEnvironment.Read, TorchrunEnvironment.Read, OpenMpiEnvironment.Read, PmiEnvironment.Read, SlurmEnvironment.Read, KubernetesEnvironment.Read,
    ];

    /// <summary>Who started the process, for messages: <c>torchrun</c>.</summary>
    public required string Launcher { get; init; }

    /// <summary>Which rank it is, and where. Where a launcher does not say which hosts there are, ranks on several hosts are counted as if each host had as many.</summary>
    public required RankIdentity Identity { get; init; }

    /// <summary>A name that the ranks of this launch share and no other launch on the host has; null where the launcher gives none.</summary>
    public string? Job { get; init; }

    /// <summary>Where ranks of several hosts find each other, <c>host:port</c>; null where the launcher names no such place.</summary>
    public string? Rendezvous { get; init; }

    /// <summary>Whether an MPI library finds the other ranks by itself.</summary>
    public bool IsMpi { get; init; }

    /// <summary>How often the ranks were restarted before this: above 0, training goes on from the last checkpoint.</summary>
    public int Restart { get; init; }

    /// <summary>How often they may be, as far as the launcher says.</summary>
    public int MaxRestarts { get; init; }

    /// <summary>How many ranks the launch was asked for; more than there are where it went on with fewer. Null where the launcher does not say.</summary>
    public int? AskedRanks { get; init; }

    /// <summary>No launcher: the only rank.</summary>
    public static ClusterEnvironment None { get; } = new() { Launcher = "nobody", Identity = RankIdentity.Single };

    /// <summary>What the environment of this process says.</summary>
    /// <exception cref="InvalidOptionsException">A launcher's variables are half set, or contradict each other.</exception>
    public static ClusterEnvironment OfProcess() => Detect(RaijinEnvironment.All);

    /// <summary>What environment variables say; a pure function of them.</summary>
    /// <exception cref="InvalidOptionsException">A launcher's variables are half set, or contradict each other.</exception>
    public static ClusterEnvironment Detect(IReadOnlyDictionary<string, string> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        var read = new LaunchVariables(variables);
        foreach (var launcher in Launchers)
        {
            var environment = launcher(read);
            read.ThrowIfFaulty();
            if (environment is not null) return environment;
        }
        return None;
    }
}
