using Raijin.Testing;

namespace Raijin.Parallel.Tests.Engine;

public sealed class OffloadTests
{
    [Theory]
    [InlineData(0, 2, 1.0)]
    [InlineData(1, 2, 1.0)]
    [InlineData(2, 2, 0.5)]
    [InlineData(3, 3, 1.0)]
    public void Optimizer_state_on_a_disk_gives_the_bits_of_stage_0_in_memory(int stage, int ranks, double ratio)
    {
        using var folder = new TemporaryFolder();
        Rig.AssertSame(Rig.Train(ranks, Zero.Stage0, 5), Rig.Train(ranks, new Strategy { Stage = stage, OffloadOptimizer = Tier.Disk(folder["state"]), OffloadRatio = ratio }, 5));
        Assert.Empty(Directory.Exists(folder["state"]) ? Directory.GetFiles(folder["state"], "*", SearchOption.AllDirectories) : []);
    }
}
