namespace Raijin.Training.Tests.Guides;

/// <summary>What docs/guides/ranks.md and the README show.</summary>
public sealed class RanksGuideTests
{
    [Fact]
    public void Options_for_four_ranks_are_in_order()
    {
        // snippet: options
        var options = new TrainerOptions
        {
            MaxEpochs = 10,
            Devices = 4,                                                          // four processes: the program starts itself
            Strategy = Zero.Stage3 with { OffloadOptimizer = Tier.Disk("/scratch") },
        };
        // end snippet
        Assert.Empty(options.Strategy.Faults(options.Devices));
        Assert.Equal("zero3, optimizer state on disk:/scratch", options.Strategy.ToString());
    }
}
