using Raijin.Collectives.Tests.Contract;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Transports.Mpi;

/// <summary>The contract of groups, on ranks that mpirun started.</summary>
public sealed class MpiContract : GroupContract
{
    protected override void Run(int size, IReadOnlyList<GroupCheck> checks)
    {
        MpiRun.Require();
        MpiRun.Complete(size, ["mpi-contract", .. checks.SequenceEqual(GroupCheck.Lasting) ? ["lasting"] : checks.Select(c => c.Name)]);
    }
}
