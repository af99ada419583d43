namespace Raijin.Tensors;

/// <summary>Work that several threads share: each takes parts of it until none is left.</summary>
abstract class KernelJob
{
    /// <summary>Called at once by every thread taking part; returns when no part is left to take. Must not throw.</summary>
    public abstract void Execute();
}

/// <summary>Threads for kernels that run for microseconds.</summary>
abstract class KernelTeam
{
    /// <summary>libtorch's own threads where they can be reached, else a pool of ours.</summary>
    public static KernelTeam Shared { get; } = OpenMpTeam.Find() ?? (KernelTeam)new KernelPool();

    /// <summary>Runs the job on the calling thread and up to <paramref name="threads"/> - 1 others, and returns when it is done.</summary>
    public abstract void Run(KernelJob job, int threads);
}
