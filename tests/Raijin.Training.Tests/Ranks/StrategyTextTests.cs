using System.Text.Json;

namespace Raijin.Training.Tests.Ranks;

public sealed class StrategyTextTests
{
    [Theory]
    [InlineData("ddp", 0)]
    [InlineData("zero1", 1)]
    [InlineData("zero2", 2)]
    [InlineData("zero3", 3)]
    public void A_stage_has_a_name(string text, int stage)
    {
        Assert.Equal(new Strategy { Stage = stage }, Strategy.Parse(text, null));
        Assert.Equal(text, new Strategy { Stage = stage }.ToString());
    }

    [Fact]
    public void An_unknown_name_lists_what_is_allowed() =>
        Assert.Equal("\"zero4\" is not a strategy; allowed: none, ddp, zero1, zero2, zero3.", Assert.Throws<FormatException>(() => Strategy.Parse("zero4", null)).Message);

    [Theory]
    [InlineData("device")]
    [InlineData("host")]
    [InlineData("disk:/scratch")]
    public void A_place_has_a_name(string text)
    {
        Assert.Equal(text, Tier.Parse(text, null).ToString());
        Assert.Equal(Tier.Parse(text, null), JsonSerializer.Deserialize<Tier>(JsonSerializer.Serialize(Tier.Parse(text, null))));
    }

    [Fact]
    public void A_strategy_survives_json()
    {
        var strategy = Zero.Stage3 with { OffloadOptimizer = Tier.Disk("/scratch"), UnitBytes = 1 << 20 };
        var text = JsonSerializer.Serialize(strategy);
        Assert.Equal(text, JsonSerializer.Serialize(JsonSerializer.Deserialize<Strategy>(text)));
        Assert.Equal("zero3, optimizer state on disk:/scratch", strategy.ToString());
    }

    [Fact]
    public void All_faults_of_ranks_are_found_at_once()
    {
        var options = new TrainerOptions { MaxEpochs = 1, Devices = 3, CollectiveDeadline = TimeSpan.Zero, Strategy = new Strategy { Stage = 2, ShardSize = 2, OffloadParameters = Tier.Host } };
        Assert.Equal(["trainer.collectiveDeadline", "trainer.strategy.offloadParameters", "trainer.strategy.shardSize"], options.Faults().Select(f => f.Key).Order());
    }

    [Fact]
    public void How_many_ranks_there_are_may_be_left_to_who_starts_them()
    {
        Assert.Empty(new TrainerOptions { MaxEpochs = 1, Strategy = Zero.Stage3 with { ShardSize = 2, SecondaryShardSize = 2 } }.Faults());
        using var set = Fixture.Blobs(100);
        var results = RankFit.Run(4, _ => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 1, Strategy = Zero.Stage3 with { ShardSize = 2 } }, set.Split(validation: 0.2).Batches(8));
        Fixture.AssertBitwise(results[0].Weights, results[3].Weights);
        var error = Assert.Throws<InvalidOptionsException>(() => RankFit.Run(3, _ => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 1, Strategy = Zero.Stage3 with { ShardSize = 2 } }, set.Split(validation: 0.2).Batches(8)));
        Assert.Contains("= 2 does not divide", Assert.Single(error.Faults).Message, StringComparison.Ordinal);
    }
}
