using Raijin.Training;
using static Raijin.Training.ScheduleGuard;

namespace Raijin;

/// <summary>
/// DeepSpeed's five schedules, update for update. Its first update has the rate the scheduler is made with and update n that of its iteration
/// i = n − 1, so that a warm-up's first two updates have its lowest rate; <see cref="Schedules.Warmup"/> and its kin start higher.
/// </summary>
public static class DeepSpeedSchedules
{
    /// <summary>f(n) = 1 + rate · n / steps, whole parts only as a staircase: <c>LRRangeTest</c>, for finding the largest rate that does not diverge. The base rate is its lowest, <c>lr_range_test_min_lr</c>.</summary>
    /// <param name="steps">Updates in which the factor grows by <paramref name="rate"/> (<c>lr_range_test_step_size</c>).</param>
    /// <param name="rate">How much it grows in them (<c>lr_range_test_step_rate</c>).</param>
    /// <param name="staircase">Grow all at once at the end of them.</param>
    public static LearningRateSchedule RangeTest(long steps = 2000, double rate = 1, bool staircase = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        ThrowIfNegative(rate);
        return new Growing(steps, rate, staircase);
    }

    /// <summary>
    /// <c>OneCycle</c>: once up from <paramref name="minimum"/> to the base rate and down again while the momentum goes the other way, then minimum / (1 + <paramref name="decayRate"/> · (n − cycle) / <paramref name="decaySteps"/>).
    /// The base rate is its <c>cycle_max_lr</c>.
    /// </summary>
    /// <remarks>DeepSpeed's own object leaves the momentum of the very first update at the lowest value, and sets β₂ to 0.99 throughout; here the cycle holds from the first update on, and β₂ is the optimizer's.</remarks>
    /// <param name="minimum">The lowest rate of the cycle, a share of the base rate: <c>cycle_min_lr / cycle_max_lr</c>.</param>
    /// <param name="firstSteps">Updates of the rise (<c>cycle_first_step_size</c>).</param>
    /// <param name="secondSteps">Updates of the fall; null for as many.</param>
    /// <param name="firstStairs">In how many stairs it rises; 0 for none.</param>
    /// <param name="secondStairs">In how many it falls; null for as many.</param>
    /// <param name="decaySteps">After the cycle, the updates that <paramref name="decayRate"/> and <paramref name="momentumDecayRate"/> are for; 0 for no decay.</param>
    /// <param name="decayRate">How the rate decays after the cycle.</param>
    /// <param name="cycleMomentum">Cycle the momentum (β₁ of the Adam family) too.</param>
    /// <param name="minMomentum">The momentum at the base rate.</param>
    /// <param name="maxMomentum">The momentum at the minimum.</param>
    /// <param name="momentumDecayRate">How the momentum grows after the cycle: maxMomentum · (1 + this · (n − cycle) / decaySteps). It must stay below 1.</param>
    public static LearningRateSchedule OneCycle(
        double minimum, long firstSteps = 2000, long? secondSteps = null, int firstStairs = 0, int? secondStairs = null, long decaySteps = 0, double decayRate = 0,
        bool cycleMomentum = true, double minMomentum = 0.8, double maxMomentum = 0.9, double momentumDecayRate = 0)
    {
        ThrowIfNotShare(minimum);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(firstSteps);
        if (secondSteps is { } second) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(second, nameof(secondSteps));
        ArgumentOutOfRangeException.ThrowIfNegative(firstStairs);
        if (secondStairs is { } stairs) ArgumentOutOfRangeException.ThrowIfNegative(stairs, nameof(secondStairs));
        ArgumentOutOfRangeException.ThrowIfNegative(decaySteps);
        ThrowIfNegative(decayRate);
        ThrowIfNegative(momentumDecayRate);
        return new CycleThenDecay(
            minimum, firstSteps, secondSteps ?? firstSteps, firstStairs, secondStairs ?? firstStairs, decaySteps, decayRate,
            cycleMomentum ? new MomentumRange(minMomentum, maxMomentum) : null, momentumDecayRate);
    }

    /// <summary><c>WarmupLR</c>: f(n) = minimum + (1 − minimum) · γ(n − 1) with γ(i) = ln(i + 1) / ln W or i / W, and 1 from W = max(2, <paramref name="warmupSteps"/>) on. The base rate is its <c>warmup_max_lr</c>.</summary>
    /// <param name="warmupSteps">Updates of the rise (<c>warmup_num_steps</c>).</param>
    /// <param name="minimum">Where it starts, a share of the base rate: <c>warmup_min_lr / warmup_max_lr</c>.</param>
    /// <param name="growth">How it rises (<c>warmup_type</c>).</param>
    public static LearningRateSchedule Warmup(long warmupSteps = 1000, double minimum = 0, WarmupGrowth growth = WarmupGrowth.Logarithmic)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        ThrowIfNotShare(minimum);
        return new Rising(Math.Max(2, warmupSteps), minimum, growth);
    }

    /// <summary><c>WarmupDecayLR</c>: as <see cref="Warmup"/>, then γ(i) = max(0, (T − i) / max(1, T − W)).</summary>
    /// <param name="warmupSteps">Updates of the rise (<c>warmup_num_steps</c>).</param>
    /// <param name="minimum">Where it starts and ends, a share of the base rate: <c>warmup_min_lr / warmup_max_lr</c>.</param>
    /// <param name="growth">How it rises (<c>warmup_type</c>).</param>
    /// <param name="steps">T, the updates of the whole schedule (<c>total_num_steps</c>); null for the run's.</param>
    public static LearningRateSchedule WarmupDecay(long warmupSteps = 1000, double minimum = 0, WarmupGrowth growth = WarmupGrowth.Logarithmic, long? steps = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        ThrowIfNotShare(minimum);
        ThrowIfNotLength(steps);
        return new RisingThenLinear(Math.Max(2, warmupSteps), minimum, growth, steps);
    }

    /// <summary>
    /// <c>WarmupCosineLR</c>: 0 for the first update, then warmupMinimum + (1 − warmupMinimum) · γ(n − 1), and from W on
    /// cosineMinimum + (1 − cosineMinimum) · (1 + cos(π · min(1, (i − W + 1) / max(1, T − W)))) / 2.
    /// </summary>
    /// <param name="warmupSteps">Updates of the rise (<c>warmup_num_steps</c>).</param>
    /// <param name="warmupMinimum">Where it starts, a share of the base rate (<c>warmup_min_ratio</c>).</param>
    /// <param name="cosineMinimum">Where it ends, a share of the base rate (<c>cos_min_ratio</c>).</param>
    /// <param name="growth">How it rises (<c>warmup_type</c>).</param>
    /// <param name="steps">T, the updates of the whole schedule (<c>total_num_steps</c>); null for the run's.</param>
    public static LearningRateSchedule WarmupCosine(long warmupSteps = 1000, double warmupMinimum = 0, double cosineMinimum = 1e-4, WarmupGrowth growth = WarmupGrowth.Logarithmic, long? steps = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        ThrowIfNotShare(warmupMinimum);
        ThrowIfNotShare(cosineMinimum);
        ThrowIfNotLength(steps);
        return new RisingThenCosine(Math.Max(2, warmupSteps), warmupMinimum, cosineMinimum, growth, steps);
    }

    // Update n has the rate of iteration n − 1; the first one that of the moment the scheduler was made, its lowest.
    static double Gamma(long iteration, long warmupSteps, WarmupGrowth growth) =>
        iteration < 0 ? 0
        : growth == WarmupGrowth.Linear ? (double)iteration / warmupSteps
        : Math.Log(iteration + 1) / Math.Log(warmupSteps);

    sealed record Growing(long Steps, double Rate, bool Staircase) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => 1 + (Rate * (Staircase ? point.Step / Steps : (double)point.Step / Steps));
    }

    sealed record CycleThenDecay(
        double Minimum, long FirstSteps, long SecondSteps, int FirstStairs, int SecondStairs, long DecaySteps, double DecayRate, MomentumRange? Range, double MomentumDecayRate)
        : LearningRateSchedule
    {
        long Cycle => FirstSteps + SecondSteps;

        public override bool CyclesMomentum => Range is not null;

        public override double Factor(SchedulePoint point) =>
            point.Step > Cycle ? Minimum / (1 + (DecayRate * Decays(point.Step))) : Minimum + ((1 - Minimum) * Height(point.Step));

        public override double? Momentum(SchedulePoint point) =>
            Range is null ? null : point.Step > Cycle ? Range.High * (1 + (MomentumDecayRate * Decays(point.Step))) : Range.At(Height(point.Step));

        double Decays(long step) => DecaySteps == 0 ? 0 : (double)(step - Cycle) / DecaySteps;

        double Height(long step)
        {
            var (way, steps, stairs) = step <= FirstSteps ? (step, FirstSteps, FirstStairs) : (Cycle - step, SecondSteps, SecondStairs);
            return stairs == 0 ? (double)way / steps : (double)(way * stairs / steps) / stairs;
        }
    }

    sealed record Rising(long WarmupSteps, double Minimum, WarmupGrowth Growth) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point)
        {
            var iteration = point.Step - 1;
            return iteration < WarmupSteps ? Minimum + ((1 - Minimum) * Gamma(iteration, WarmupSteps, Growth)) : 1;
        }
    }

    sealed record RisingThenLinear(long WarmupSteps, double Minimum, WarmupGrowth Growth, long? Steps) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Steps is null;

        public override double Factor(SchedulePoint point)
        {
            var iteration = point.Step - 1;
            if (iteration < WarmupSteps) return Minimum + ((1 - Minimum) * Gamma(iteration, WarmupSteps, Growth));
            var steps = point.Length(Steps);
            return Minimum + ((1 - Minimum) * Math.Max(0, (double)(steps - iteration) / Math.Max(1, steps - WarmupSteps)));
        }
    }

    sealed record RisingThenCosine(long WarmupSteps, double WarmupMinimum, double CosineMinimum, WarmupGrowth Growth, long? Steps) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Steps is null;

        public override double Factor(SchedulePoint point)
        {
            var iteration = point.Step - 1;
            if (iteration < 0) return 0;
            if (iteration < WarmupSteps) return WarmupMinimum + ((1 - WarmupMinimum) * Gamma(iteration, WarmupSteps, Growth));
            return Anneal.Cosine.Between(1, CosineMinimum, (double)(iteration - WarmupSteps + 1) / Math.Max(1, point.Length(Steps) - WarmupSteps));
        }
    }
}
