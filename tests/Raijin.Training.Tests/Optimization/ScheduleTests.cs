using CsCheck;

namespace Raijin.Training.Tests.Optimization;

public sealed class ScheduleTests
{
    static double[] Factors(LearningRateSchedule schedule, int count, long? total = null, long? perEpoch = null) =>
        [.. Enumerable.Range(0, count).Select(n => schedule.Factor(new(n, total, perEpoch)))];

    static void AssertFactors(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 12));

    [Fact]
    public void Warmup_then_cosine_passes_through_its_landmarks()
    {
        var schedule = Schedules.WarmupCosine(warmupSteps: 10, minimum: 0.1);
        Assert.Equal(0.1, schedule.Factor(new(0, 110)), 12);
        Assert.Equal(1.0, schedule.Factor(new(9, 110)), 12);
        Assert.Equal(1.0, schedule.Factor(new(10, 110)), 12);
        Assert.Equal(0.55, schedule.Factor(new(60, 110)), 12);
        Assert.Equal(0.1, schedule.Factor(new(110, 110)), 12);
        Assert.Equal(0.1, schedule.Factor(new(500, 110)), 12);
    }

    [Fact]
    public void Warmup_then_linear_falls_in_equal_steps() => Assert.Equal([1.0, 0.75, 0.5, 0.25, 0.0], Factors(Schedules.WarmupLinear(warmupSteps: 0), 5, total: 4));

    [Fact]
    public void Steps_down_by_a_factor() => Assert.Equal([1, 1, 0.5, 0.5, 0.25], Factors(Schedules.StepDecay(2, 0.5), 5));

    [Fact]
    public void Inverse_square_root_has_its_top_at_the_end_of_the_warmup_and_halves_with_four_times_the_steps()
    {
        var schedule = Schedules.WarmupInverseSquareRoot(4);
        AssertFactors([0.25, 0.5, 0.75, 1, Math.Sqrt(0.8)], Factors(schedule, 5));
        Assert.Equal(0.5, schedule.Factor(new(15)), 12);
        Assert.Equal(0.25, schedule.Factor(new(63)), 12);
    }

    [Fact]
    public void Warmup_stable_decay_falls_only_in_the_runs_last_steps()
    {
        var schedule = Schedules.WarmupStableDecay(2, 4, minimum: 0.2);
        AssertFactors([0.5, 1, 1, 1, 1, 1, 1, 0.6, 0.2 + 0.8 * (1 - Math.Sqrt(0.5)), 0.2 + 0.8 * (1 - Math.Sqrt(0.75)), 0.2], Factors(schedule, 11, total: 10));
        AssertFactors([0.5, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0], Factors(Schedules.Trapezoid(2, 4), 9, total: 8));
        // A run shorter than the two together decays as far as it comes.
        AssertFactors([0.5, 1, 1, 0.75], Factors(Schedules.Trapezoid(2, 4), 4, total: 4));
    }

    [Fact]
    public void In_a_sequence_each_schedule_takes_its_own_stretch_for_the_whole_run()
    {
        var schedule = Schedules.Sequential(Schedules.Linear(0, 1), (4, Schedules.Cosine()));
        AssertFactors([0, 0.25, 0.5, 0.75, 1, 0.5 + Math.Sqrt(0.125), 0.5, 0.5 - Math.Sqrt(0.125), 0], Factors(schedule, 9, total: 8));
        Assert.True(schedule.NeedsTotalSteps);
        Assert.False(Schedules.Sequential(Schedules.Cosine(), (4, Schedules.Constant)).NeedsTotalSteps);
    }

    [Fact]
    public void Counted_in_epochs_a_run_has_as_many_as_it_begins()
    {
        Assert.Equal([1, 1, 1, 0.5, 0.5, 0.5, 0.25], Factors(Schedules.PerEpoch(Schedules.StepDecay(1, 0.5)), 7, perEpoch: 3));
        // 7 steps of 3 an epoch are 3 epochs, the last one short.
        AssertFactors([1, 1, 1, 2.0 / 3, 2.0 / 3, 2.0 / 3, 1.0 / 3], Factors(Schedules.PerEpoch(Schedules.Polynomial()), 7, total: 7, perEpoch: 3));
    }

    [Fact]
    public void A_product_asked_for_out_of_order_is_the_same_as_in_order()
    {
        static double Part(long n) => 1 + 1.0 / (n + 1);
        var inOrder = Factors(Schedules.Multiplicative(Part), 50);
        var schedule = Schedules.Multiplicative(Part);
        Gen.Int[0, 49].Array[1, 20].Sample(order => order.All(n => schedule.Factor(new(n)).Equals(inOrder[n])));
    }

    [Fact]
    public void A_product_asked_for_in_order_calls_its_function_once_a_step()
    {
        var calls = 0;
        var schedule = Schedules.Multiplicative(_ => { calls++; return 0.5; });
        Factors(schedule, 100);
        Assert.Equal(99, calls);
    }

    [Fact]
    public void Only_schedules_over_the_whole_run_need_its_length()
    {
        Assert.True(Schedules.WarmupCosine(1).NeedsTotalSteps);
        Assert.True(Schedules.OneCycle().NeedsTotalSteps);
        Assert.True(Schedules.PerEpoch(Schedules.Cosine()).NeedsTotalSteps);
        Assert.True(Schedules.Chained(Schedules.Constant, Schedules.Trapezoid(1, 1)).NeedsTotalSteps);
        Assert.True(Schedules.Swa(Schedules.Polynomial(), 5, 0.1).NeedsTotalSteps);
        Assert.True(DeepSpeedSchedules.WarmupDecay().NeedsTotalSteps);
        Assert.False(Schedules.Warmup(1).NeedsTotalSteps);
        Assert.False(Schedules.Constant.NeedsTotalSteps);
        Assert.False(Schedules.OneCycle(10).NeedsTotalSteps);
        Assert.False(Schedules.WarmupInverseSquareRoot(1).NeedsTotalSteps);
    }

    [Fact]
    public void What_is_unknown_is_asked_for_by_name()
    {
        Assert.Contains("TotalSteps", Assert.Throws<InvalidOperationException>(() => Schedules.Cosine().Factor(new(3))).Message);
        Assert.Contains("StepsPerEpoch", Assert.Throws<InvalidOperationException>(() => Schedules.PerEpoch(Schedules.Constant).Factor(new(3, 10))).Message);
    }

    [Fact]
    public void Numbers_that_cannot_be_are_refused_when_the_schedule_is_made()
    {
        Assert.Throws<ArgumentOutOfRangeException>("steps", () => Schedules.StepDecay(0));
        Assert.Throws<ArgumentOutOfRangeException>("factor", () => Schedules.Exponential(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>("minimum", () => Schedules.Cosine(10, 1.5));
        Assert.Throws<ArgumentOutOfRangeException>("milestones", () => Schedules.MultiStep([3, -1]));
        Assert.Throws<ArgumentOutOfRangeException>("riseShare", () => Schedules.OneCycle(10, 0.6, threePhases: true));
        Assert.Throws<ArgumentOutOfRangeException>("low", () => Schedules.Cyclic(0.1, minMomentum: 0.9, maxMomentum: 0.8));
        Assert.Throws<ArgumentException>("then", () => Schedules.Sequential(Schedules.Constant, (5, Schedules.Constant), (5, Schedules.Constant)));
        Assert.Throws<ArgumentException>("schedules", () => Schedules.Chained());
        Assert.Throws<ArgumentOutOfRangeException>("ReductionFactor", () => Schedules.ReduceOnPlateau(Best.Min("x"), 1));
        Assert.Throws<ArgumentOutOfRangeException>("rate", () => DeepSpeedSchedules.RangeTest(10, -1));
    }
}
