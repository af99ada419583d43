using System.Text.Json;

namespace Raijin.Parallel.Tests;

public sealed class StrategyTests
{
    [Fact]
    public void Strategies_with_the_same_names_are_equal()
    {
        var (a, b) = (Zero.Stage3 with { SharedParameters = ["wte.weight", "head"] }, Zero.Stage3 with { SharedParameters = new List<string> { "wte.weight", "head" } });
        Assert.Equal(a, b);
        Assert.Equal(a.GetHashCode(), b.GetHashCode());
        Assert.NotEqual(a, Zero.Stage3 with { SharedParameters = ["head"] });
        Assert.Equal(new Strategy(), Zero.Stage0 with { SharedParameters = [] });
        Assert.Equal(a, JsonSerializer.Deserialize<Strategy>(JsonSerializer.Serialize(a)));
    }

    [Fact]
    public void Names_are_those_that_were_given()
    {
        List<string> names = ["a"];
        var strategy = Zero.Stage3 with { SharedParameters = names };
        names.Add("b");
        Assert.Equal(["a"], strategy.SharedParameters);
    }

    [Theory]
    [InlineData(3, 0, 8, 4, null)]
    [InlineData(3, 4, 8, 2, null)]
    [InlineData(3, 0, 8, 8, null)]
    [InlineData(3, 0, 8, 1, "= 1 does not divide the 8 ranks that divide the parameters: give the number of ranks on a node, a divisor of 8 above 1, or 0 for none")]
    [InlineData(3, 0, 8, -2, "= -2 does not divide the 8 ranks that divide the parameters: give the number of ranks on a node, a divisor of 8 above 1, or 0 for none")]
    [InlineData(3, 4, 8, 8, "= 8 does not divide the 4 ranks that divide the parameters: give the number of ranks on a node, a divisor of 4 above 1, or 0 for none")]
    [InlineData(2, 0, 8, 4, "= 4 keeps parameters that were gathered, which only stage 3 does; the stage is 2")]
    public void Second_shards_divide_those_of_stage_3(int stage, int shardSize, int ranks, int size, string? fault)
    {
        var faults = new Strategy { Stage = stage, ShardSize = shardSize, SecondaryShardSize = size }.Faults(ranks);
        Assert.Equal(fault is null ? [] : [new OptionFault("strategy.secondaryShardSize", fault)], faults);
    }

    [Fact]
    public void Stage_0_divides_nothing_among_fewer_ranks() =>
        Assert.Equal([new OptionFault("strategy.shardSize", "= 2 says among how many ranks state is divided, but stage 0 divides none: leave it out, or give stage 1, 2 or 3")], (Zero.Stage0 with { ShardSize = 2 }).Faults(4));

    [Fact]
    public void In_words_it_says_what_is_not_the_default() =>
        Assert.Equal(
            "zero3, gradients coded Int4, weights coded Int8, in groups of 8, gathered again among 4",
            (Zero.Stage3 with { ShardSize = 8, SecondaryShardSize = 4, WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4 }).ToString());
}
