namespace Raijin.Parallel.Tests.Engine;

public sealed class StageParityTests
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(1, 4)]
    [InlineData(2, 3)]
    [InlineData(3, 4)]
    public void Every_stage_gives_the_bits_of_stage_0(int stage, int ranks) =>
        Rig.AssertSame(Rig.Train(ranks, Zero.Stage0), Rig.Train(ranks, new Strategy { Stage = stage }));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ranks_that_compare_their_calls_find_them_alike(int stage) =>
        Rig.AssertSame(Rig.Train(3, Zero.Stage0, 4), Rig.Train(3, new Strategy { Stage = stage }, 4, options: Rig.Checked));

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Two_ranks_with_half_the_samples_each_are_one_rank_with_all(int stage)
    {
        // The mean of two means of 6 is not rounded as the mean of 12: equal to a few units of fp32, which Adam's division makes larger.
        var one = Rig.Train(1, Zero.Stage0);
        var two = Rig.Train(2, new Strategy { Stage = stage });
        foreach (var (name, values) in one.Weights)
            for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], two.Weights[name][i], 2e-5);
    }
}
