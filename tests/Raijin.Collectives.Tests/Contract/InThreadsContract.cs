using Raijin.Testing;

namespace Raijin.Collectives.Tests.Contract;

public sealed class InThreadsContract : GroupContract
{
    protected override void Run(int size, IReadOnlyList<GroupCheck> checks) => World.Run(size, world =>
    {
        foreach (var check in checks) check.Run(world);
    }, checks[0].Options);
}
