using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports;

public sealed class InThreadsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void All_reduce_gives_every_rank_the_sum(int size) => World.Run(size, world =>
    {
        using var scope = TensorScope.Open();
        var mine = arange(5, dtype: ScalarType.Float32) * (world.Rank + 1);
        world.Group.AllReduce(mine);
        Assert.Equal([.. Enumerable.Range(0, 5).Select(i => (float)i * size * (size + 1) / 2)], mine.data<float>().ToArray());
    });

    [Fact]
    public void A_rank_that_never_comes_is_named()
    {
        var error = Assert.Throws<CollectiveTimeoutException>(() => World.Run(3, world =>
        {
            if (world.Rank != 1) world.Group.Barrier();
        }, new GroupOptions { Deadline = TimeSpan.FromMilliseconds(50) }));
        Assert.Contains(1, error.Missing);
        Assert.Contains("Did not come: 1", error.Message, StringComparison.Ordinal);
    }
}
