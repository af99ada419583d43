using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Raijin.Training.Tests.Callbacks;

public sealed class TrainingTimerTests
{
    [Fact]
    public void Every_phase_of_every_step_is_timed()
    {
        var timer = new TrainingTimer();
        using var run = new ScriptedRun([1]) { Options = o => o with { MaxEpochs = 3, AccumulateGradients = 2, SanityValidationBatches = 1 } };
        run.Fit(timer);

        Assert.Equal(6, timer.Count(TimedPhase.Step));
        Assert.Equal(6, timer.Count(TimedPhase.Optimizer));
        Assert.Equal(12, timer.Count(TimedPhase.Data));
        Assert.Equal(12, timer.Count(TimedPhase.Forward));
        Assert.Equal(12, timer.Count(TimedPhase.Backward));
        Assert.Equal(3, timer.Count(TimedPhase.Validation));
        foreach (var phase in Enum.GetValues<TimedPhase>())
            Assert.True(timer.Percentile(phase, 0) <= timer.Percentile(phase, 0.5) && timer.Percentile(phase, 0.5) <= timer.Percentile(phase, 1), $"{phase}:\n{timer}");
        Assert.Equal(1 + Enum.GetValues<TimedPhase>().Length, timer.ToString().Split('\n').Length);
    }

    [Fact]
    public void The_phases_of_a_step_add_up_to_it()
    {
        var timer = new TrainingTimer();
        using var run = new ScriptedRun([1]) { Options = o => o with { MaxEpochs = 2, Validate = Every.Never } };
        run.Fit(timer);
        var parts = new[] { TimedPhase.Data, TimedPhase.Forward, TimedPhase.Backward, TimedPhase.Optimizer }.Sum(p => (timer.Mean(p) * timer.Count(p)).Ticks);
        var steps = (timer.Mean(TimedPhase.Step) * timer.Count(TimedPhase.Step)).Ticks;
        Assert.InRange(parts, 0.5 * steps, steps + 100);
    }

    [Fact]
    public void A_spent_budget_stops_at_the_end_of_the_step()
    {
        var time = new FakeTimeProvider();
        using var run = new ScriptedRun([1]) { OnStep = _ => time.Advance(TimeSpan.FromSeconds(20)), Options = o => o with { Time = time } };
        var result = run.Fit(new TrainingTimer(TimeSpan.FromMinutes(1)));
        Assert.Equal(3, result.Steps);
        Assert.Equal("the time budget of 1:00 is spent", result.StopReason);
    }

    [Fact]
    public void A_percentile_is_right_to_three_percent_at_any_scale() =>
        Gen.Select(Gen.OneOf(Gen.Long[0, 100], Gen.Long[0, 1_000_000], Gen.Long[0, long.MaxValue]).Array[1, 200], Gen.Double[0, 1]).Sample((durations, share) =>
        {
            var histogram = new DurationHistogram();
            foreach (var duration in durations) histogram.Add(duration);
            var exact = (double)durations.Order().ElementAt(Math.Max(1, (int)Math.Ceiling(share * durations.Length)) - 1);
            Assert.InRange(histogram.Percentile(share), exact * 0.97 - 1e-9, exact * 1.03 + 1e-9);
            Assert.Equal(durations.Length, histogram.Count);
            Assert.Equal(durations.Average(d => (double)d), histogram.Mean, Math.Max(1e-9, histogram.Mean * 1e-12));
        });
}
