namespace Raijin.Training.Tests.Tuning;

public sealed class StoppingRuleTests
{
    // Li et al. 2018, the example of §3.1: 9 configurations, r = 1, R = 9, η = 3.
    [Theory]
    [InlineData(0, new[] { 1, 3, 9 })]
    [InlineData(1, new[] { 3, 9 })]
    [InlineData(2, new[] { 9 })]
    public void Rungs_stand_where_the_paper_has_them(int delay, int[] rungs)
    {
        var rule = (HalvingRule)StoppingRule.Halving(first: 1, factor: 3, delay);
        Assert.Equal(rungs, Enumerable.Range(1, 9).Where(rule.IsRung));
    }

    [Fact]
    public void Nine_trials_that_come_together_leave_three_and_then_one()
    {
        var rule = StoppingRule.Halving(first: 1, factor: 3);
        List<List<double>> trials = [.. Enumerable.Range(0, 9).Select(i => new List<double> { i })];
        List<List<double>> Survivors() => [.. trials.Where(trial => !rule.Stops(trial, [.. trials.Where(other => other != trial)]))];

        var first = Survivors();
        Assert.Equal([0.0, 1.0, 2.0], first.Select(trial => trial[0]));
        foreach (var report in new[] { 2, 3 }) foreach (var trial in first) trial.Add(trial[0]);
        Assert.Equal([0.0], first.Where(trial => !rule.Stops(trial, [.. trials.Where(other => other != trial)])).Select(trial => trial[0]));
    }

    [Fact]
    public void A_first_comer_goes_on_and_between_rungs_nobody_stops()
    {
        var rule = StoppingRule.Halving(first: 2, factor: 2);
        Assert.False(rule.Stops([5, 5], []));
        Assert.False(rule.Stops([9], [[1], [1], [1]]));
        Assert.False(rule.Stops([9, 9, 9], [[1, 1, 1], [1, 1, 1]]));
        Assert.True(rule.Stops([9, 9], [[1, 1], [1, 1, 1], [0]]));
    }

    [Fact]
    public void A_trial_without_a_number_stops_as_soon_as_another_has_one()
    {
        Assert.True(StoppingRule.Halving().Stops([double.PositiveInfinity], [[1]]));
        Assert.True(StoppingRule.Median(startup: 1, warmup: 0).Stops([double.NaN], [[1]]));
    }

    [Fact]
    public void The_median_rule_stops_what_is_worse_than_half_of_those_that_came_as_far()
    {
        var rule = StoppingRule.Median(startup: 3, warmup: 1);
        Assert.False(rule.Stops([9], [[1], [2], [3]])); // warm-up
        Assert.False(rule.Stops([9, 9], [[1, 1], [2, 2], [3]])); // two came as far
        Assert.True(rule.Stops([9, 2.1], [[1, 1], [2, 2], [3, 3]]));
        Assert.False(rule.Stops([9, 2.0], [[1, 1], [2, 2], [3, 3]]));
        Assert.False(rule.Stops([9, 2.5], [[1, 1], [2, 2], [3, 3], [4, 4]])); // an even number: the mean of the middle two
    }
}
