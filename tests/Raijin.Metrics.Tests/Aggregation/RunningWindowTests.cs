using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Aggregation;

public sealed class RunningWindowTests
{
    [Fact]
    public void Only_the_last_updates_count()
    {
        using var sum = new RunningSum(3);
        using var mean = new RunningMean(3);
        double[] sums = [0, 1, 3, 6, 9, 12], means = [0, 0.5, 1, 2, 3, 4];
        for (var i = 0; i < 6; i++)
        {
            sum.Update(i);
            mean.Update(i);
            Assert.Equal(sums[i], sum.Compute());
            Assert.Equal(means[i], mean.Compute());
        }
        sum.Reset();
        sum.Update(4);
        Assert.Equal(4, sum.Compute());
        Assert.Throws<ArgumentOutOfRangeException>(() => new RunningSum(0));
    }

    [Fact]
    public void A_mean_weighs_all_values_of_the_window()
    {
        using var scope = NewDisposeScope();
        using var mean = new RunningMean(2);
        mean.Update(100);
        mean.Update(tensor(new[] { 1f, 2f, 3f }));
        mean.Update(tensor(new[] { 10f, 20f }), tensor(new[] { 1f, 3f }));
        Assert.Equal((6 + 70) / 7.0, mean.Compute(), 1e-12);
        mean.Update(zeros([0]));
        Assert.Equal(17.5, mean.Compute(), 1e-12);
    }

    [Fact]
    public void Windows_of_ranks_that_step_together_merge_newest_with_newest()
    {
        using var a = new RunningMean(2);
        using var b = new RunningMean(2);
        foreach (var value in (double[])[9, 1, 2])
        {
            a.Update(value);
            b.Update(10 * value);
        }
        a.Merge(b);
        Assert.Equal((1 + 2 + 10 + 20) / 4.0, a.Compute());
        a.Update(4);
        Assert.Equal((2 + 20 + 4) / 3.0, a.Compute(), 1e-12);
    }
}
