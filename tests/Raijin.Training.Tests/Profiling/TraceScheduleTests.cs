namespace Raijin.Training.Tests.Profiling;

public sealed class TraceScheduleTests
{
    static string Of(TraceSchedule schedule, int steps) => string.Concat(Enumerable.Range(0, steps).Select(i => schedule.At(i) switch
    {
        TraceAction.None => '.',
        TraceAction.Warmup => 'w',
        TraceAction.Record => 'r',
        _ => 'S',
    }));

    [Fact]
    public void Steps_are_waited_for_warmed_up_in_and_recorded_as_often_as_asked()
    {
        Assert.Equal(".wrrS.....", Of(new(), 10));
        Assert.Equal("..wrS.wrS...", Of(new() { Skip = 1, Active = 2, Repeat = 2 }, 12));
        Assert.Equal("SSSSS", Of(new() { Wait = 0, Warmup = 0, Active = 1, Repeat = 0 }, 5));
        Assert.Equal("wwSwwSww", Of(new() { Wait = 0, Warmup = 2, Active = 1, Repeat = 0 }, 8));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TraceSchedule { Active = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TraceSchedule { Wait = -1 });
    }
}
