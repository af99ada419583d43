namespace Raijin.Training.Tests.Optimization;

public sealed class ScheduleTests
{
    [Fact]
    public void Warmup_then_cosine_passes_through_its_landmarks()
    {
        var schedule = Schedules.WarmupCosine(warmupSteps: 10, minimum: 0.1);
        Assert.Equal(0.1, schedule.Factor(0, 110), 12);
        Assert.Equal(1.0, schedule.Factor(9, 110), 12);
        Assert.Equal(1.0, schedule.Factor(10, 110), 12);
        Assert.Equal(0.55, schedule.Factor(60, 110), 12);
        Assert.Equal(0.1, schedule.Factor(110, 110), 12);
        Assert.Equal(0.1, schedule.Factor(500, 110), 12);
    }

    [Fact]
    public void Warmup_then_linear_falls_in_equal_steps()
    {
        var schedule = Schedules.WarmupLinear(warmupSteps: 0);
        Assert.Equal([1.0, 0.75, 0.5, 0.25, 0.0], Enumerable.Range(0, 5).Select(s => schedule.Factor(s, 4)));
    }

    [Fact]
    public void Steps_down_by_a_factor() => Assert.Equal([1, 1, 0.5, 0.5, 0.25], Enumerable.Range(0, 5).Select(s => Schedules.StepDecay(2, 0.5).Factor(s, null)));

    [Fact]
    public void Only_schedules_over_the_whole_run_need_its_length()
    {
        Assert.True(Schedules.WarmupCosine(1).NeedsTotalSteps);
        Assert.False(Schedules.Warmup(1).NeedsTotalSteps);
        Assert.False(Schedules.Constant.NeedsTotalSteps);
    }
}
