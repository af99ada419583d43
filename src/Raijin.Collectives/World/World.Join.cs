using System.Diagnostics;
using System.Globalization;
using Raijin.Tensors;

namespace Raijin.Collectives;

public sealed partial class World
{
    /// <summary>
    /// Joins the world of all ranks that were launched with this process, by <c>raijin launch</c>, <see cref="LocalRanks.ReexecuteSelf"/>, torchrun, <c>mpirun</c>, <c>srun</c> or as an
    /// indexed Kubernetes job. All of them call this. In a process that nobody launched it is a world of one.
    /// </summary>
    /// <param name="options">Transport, deadlines.</param>
    /// <param name="cancellationToken">Gives up waiting for the others.</param>
    /// <exception cref="InvalidOptionsException">A launcher's variables are half set or contradict each other, or the transport can't carry this world.</exception>
    /// <exception cref="TimeoutException">Ranks did not come; the message says which.</exception>
    public static World Join(WorldOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new WorldOptions();
        var variables = RaijinEnvironment.All;
        var environment = ClusterEnvironment.Detect(variables);
        var (kind, because) = TransportChoice.Resolve(options.Transport, environment.Identity, options.RanksDriveGpus, environment.IsMpi);
        // Before anything that takes long: a rank whose supervisor died meanwhile ends here.
        LifeLine.Start(variables);
        cancellationToken.ThrowIfCancellationRequested();
        var (transport, identity) = Connect(kind, environment, options, cancellationToken);
        var world = new World(identity, transport, options.Group, $"{because}; started by {environment.Launcher}");
        if (options.DivideThreads && !RaijinEnvironment.SaysHowManyThreads && identity.LocalWorldSize > 1) HostThreads.Divide(world, cancellationToken);
        return world;
    }

    static (Transport Transport, RankIdentity Identity) Connect(TransportKind kind, ClusterEnvironment environment, WorldOptions options, CancellationToken cancellationToken)
    {
        var identity = environment.Identity;
        switch (kind)
        {
            case TransportKind.InProcess:
                return (InProcessSegment.World(1)[0], identity);
            case TransportKind.SharedMemory:
                var job = environment.Job ?? throw new InvalidOptionsException([new("transport",
                    $"SharedMemory needs a name that all ranks of the launch know, and {environment.Launcher} gives none: set MASTER_ADDR and MASTER_PORT, or start with raijin launch")]);
                return (SharedMemoryTransport.Join(job, identity.Rank, identity.WorldSize, new SharedMemoryOptions { Deadline = options.JoinDeadline }, cancellationToken), identity);
            case TransportKind.Mpi:
                var mpi = MpiTransport.Join(options.Group, identity);
                return (mpi, mpi.Identity);
            case TransportKind.Nccl:
                // Where the ranks meet, and agree on NCCL's own id.
                var (host, met) = Connect(identity.NumNodes > 1 ? TransportKind.Mpi : TransportKind.SharedMemory, environment, options, cancellationToken);
                return (NcclTransport.Join(host, met.LocalRank, options.Group), met);
            default:
                throw new UnreachableException($"{kind}");
        }
    }

    /// <summary>How the ranks are connected, and why so: <c>rank 1 of 4 over SharedMemory: the 4 ranks are processes of one host; started by raijin launch</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"rank {Rank} of {Size} over {Group.Transport}{(_origin.Length > 0 ? ": " : "")}{_origin}");
}
