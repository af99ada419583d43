using Raijin.Collectives.Tests.Contract;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Transports.SharedMemory;

/// <summary>The contract of groups over shared memory: ranks that map the segment each on its own, as threads; as processes in <see cref="SharedMemoryProcessTests"/>.</summary>
public sealed class SharedMemoryContract : GroupContract
{
    protected override void Run(int size, IReadOnlyList<GroupCheck> checks) => RankThreads.OverSharedMemory(size, world =>
    {
        foreach (var check in checks) check.Run(world);
    }, checks[0].Options);
}
