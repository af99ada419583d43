using Raijin.Training;
using static Raijin.Training.ScheduleGuard;

namespace Raijin;

public static partial class Schedules
{
    /// <summary>
    /// One cycle over the run: from 1 / <paramref name="divisor"/> up to the base rate, and down to 1 / (<paramref name="divisor"/> · <paramref name="finalDivisor"/>); the momentum goes the other
    /// way. PyTorch's <c>OneCycleLR</c> (Smith and Topin 2018, arXiv:1708.07120); the base rate is its <c>max_lr</c>.
    /// </summary>
    /// <param name="steps">Updates of the cycle; null for the whole run.</param>
    /// <param name="riseShare">The share of the cycle in which the rate rises (<c>pct_start</c>), above 0 and below 1.</param>
    /// <param name="divisor">The first rate is the base rate divided by this (<c>div_factor</c>).</param>
    /// <param name="finalDivisor">The last rate is the first one divided by this (<c>final_div_factor</c>).</param>
    /// <param name="anneal">How it goes from rate to rate.</param>
    /// <param name="threePhases">Come down to the first rate as slowly as it rose, and only then to the last.</param>
    /// <param name="cycleMomentum">Cycle the momentum (β₁ of the Adam family) too.</param>
    /// <param name="minMomentum">The momentum at the highest rate.</param>
    /// <param name="maxMomentum">The momentum at both ends.</param>
    public static LearningRateSchedule OneCycle(
        long? steps = null, double riseShare = 0.3, double divisor = 25, double finalDivisor = 1e4, Anneal anneal = Anneal.Cosine, bool threePhases = false,
        bool cycleMomentum = true, double minMomentum = 0.85, double maxMomentum = 0.95)
    {
        ThrowIfNotLength(steps);
        if (!(riseShare > 0 && riseShare < 1)) throw new ArgumentOutOfRangeException(nameof(riseShare), riseShare, "riseShare must be above 0 and below 1.");
        if (threePhases && riseShare > 0.5) throw new ArgumentOutOfRangeException(nameof(riseShare), riseShare, "With three phases the rate rises and falls in riseShare of the cycle each: it must be at most 0.5.");
        ThrowIfNotPositive(divisor);
        ThrowIfNotPositive(finalDivisor);
        var momentum = cycleMomentum ? new MomentumRange(minMomentum, maxMomentum) : null;
        return new SingleCycle(steps, riseShare, 1 / divisor, 1 / divisor / finalDivisor, anneal, threePhases, momentum);
    }

    /// <summary>
    /// Up from <paramref name="minimum"/> to the base rate and down again, for ever; the momentum goes the other way. PyTorch's <c>CyclicLR</c> (Smith 2017,
    /// arXiv:1506.01186); the base rate is its <c>max_lr</c>.
    /// </summary>
    /// <param name="minimum">Where a cycle starts and ends, a share of the base rate: <c>base_lr / max_lr</c>.</param>
    /// <param name="stepsUp">Updates of the rise.</param>
    /// <param name="stepsDown">Updates of the fall; null for as many.</param>
    /// <param name="shape">How the height of the cycles changes.</param>
    /// <param name="decay">For <see cref="CyclicShape.Exponential"/>: the height at update n is this to the power n (<c>gamma</c>).</param>
    /// <param name="cycleMomentum">Cycle the momentum (β₁ of the Adam family) too.</param>
    /// <param name="minMomentum">The momentum at the base rate.</param>
    /// <param name="maxMomentum">The momentum at the minimum.</param>
    public static LearningRateSchedule Cyclic(
        double minimum, long stepsUp = 2000, long? stepsDown = null, CyclicShape shape = CyclicShape.Triangular, double decay = 1,
        bool cycleMomentum = true, double minMomentum = 0.8, double maxMomentum = 0.9)
    {
        ThrowIfNotShare(minimum);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepsUp);
        if (stepsDown is { } down) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(down, nameof(stepsDown));
        ThrowIfNotPositive(decay);
        return new Cycles(minimum, stepsUp, stepsDown ?? stepsUp, shape, decay, cycleMomentum ? new MomentumRange(minMomentum, maxMomentum) : null);
    }

    sealed record SingleCycle(long? Steps, double RiseShare, double First, double Last, Anneal Anneal, bool ThreePhases, MomentumRange? Range) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Steps is null;

        public override bool CyclesMomentum => Range is not null;

        public override double Factor(SchedulePoint point) => At(point, First, 1, Last);

        public override double? Momentum(SchedulePoint point) => Range is null ? null : At(point, Range.High, Range.Low, Range.High);

        // From `edge` to `middle`, and to `end`: straight there, or by way of `edge` in three phases.
        double At(SchedulePoint point, double edge, double middle, double end)
        {
            var steps = point.Length(Steps);
            var top = (RiseShare * steps) - 1;
            if (point.Step < top) return Anneal.Between(edge, middle, point.Step / top);
            var bottom = steps - 1.0;
            if (!ThreePhases) return Anneal.Between(middle, end, (point.Step - top) / (bottom - top));
            var back = (2 * RiseShare * steps) - 2;
            return point.Step <= back ? Anneal.Between(middle, edge, (point.Step - top) / (back - top)) : Anneal.Between(edge, end, (point.Step - back) / (bottom - back));
        }
    }

    sealed record Cycles(double Minimum, long StepsUp, long StepsDown, CyclicShape Shape, double Decay, MomentumRange? Range) : LearningRateSchedule
    {
        public override bool CyclesMomentum => Range is not null;

        public override double Factor(SchedulePoint point) => Minimum + ((1 - Minimum) * Height(point.Step));

        public override double? Momentum(SchedulePoint point) => Range?.At(Height(point.Step));

        double Height(long step)
        {
            var (cycle, position) = Math.DivRem(step, StepsUp + StepsDown);
            var height = position <= StepsUp ? (double)position / StepsUp : (double)(StepsUp + StepsDown - position) / StepsDown;
            return Shape switch
            {
                CyclicShape.Halving => height * Math.Pow(0.5, cycle),
                CyclicShape.Exponential => height * Math.Pow(Decay, step),
                _ => height,
            };
        }
    }
}
