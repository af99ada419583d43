using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>This process as one of the ranks that a <see cref="Launcher"/> started.</summary>
public static class RankProcess
{
    /// <summary>How often all ranks were restarted before this: above 0, a program goes on from its last checkpoint. Also counts restarts by torchrun and Slurm.</summary>
    /// <exception cref="InvalidOptionsException">A launcher's variables contradict each other.</exception>
    public static int Restart => ClusterEnvironment.OfProcess().Restart;

    /// <summary>How often they may be restarted: above 0, a program that has no place for its checkpoints had better say so at once.</summary>
    /// <exception cref="InvalidOptionsException">A launcher's variables contradict each other.</exception>
    public static int MaxRestarts => ClusterEnvironment.OfProcess().MaxRestarts;

    /// <summary>Whether a <see cref="Launcher"/> started it, so that it need start no ranks.</summary>
    public static bool IsSupervised => RaijinEnvironment.All.ContainsKey(LifeLine.Variable);

    /// <summary>
    /// Tells the supervisor why this rank is about to end, for programs that catch what they throw. An unhandled exception tells itself. Nothing happens where nobody supervises.
    /// </summary>
    public static void Tell(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        LifeLine.Tell(error);
    }
}
