using static Raijin.Training.ScheduleGuard;

namespace Raijin;

public static partial class Schedules
{
    /// <summary>
    /// One schedule after another: <c>Sequential(Warmup(100), (100, Cosine()))</c>. Each counts updates from where it begins, and its whole run is what lies between its
    /// beginning and the next one's, or the run's end. PyTorch's <c>SequentialLR</c>.
    /// </summary>
    /// <param name="first">The first.</param>
    /// <param name="then">The others, each with the update at which it begins, in rising order.</param>
    public static LearningRateSchedule Sequential(LearningRateSchedule first, params (long At, LearningRateSchedule Schedule)[] then)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(then);
        var begin = 0L;
        foreach (var (at, schedule) in then)
        {
            ArgumentNullException.ThrowIfNull(schedule, nameof(then));
            if (at <= begin) throw new ArgumentException($"A schedule begins at update {at}, the one before it at {begin}: give them in rising order, the second one above 0.", nameof(then));
            begin = at;
        }
        return new Sequence([(0, first), .. then]);
    }

    /// <summary>The product of several schedules: <c>Chained(Warmup(100), StepDecay(1000))</c>. PyTorch's <c>ChainedScheduler</c>.</summary>
    /// <remarks>The momentum is that of the first one that cycles it.</remarks>
    public static LearningRateSchedule Chained(params LearningRateSchedule[] schedules)
    {
        ArgumentNullException.ThrowIfNull(schedules);
        if (schedules.Length == 0) throw new ArgumentException("Give at least one schedule to multiply.", nameof(schedules));
        foreach (var schedule in schedules) ArgumentNullException.ThrowIfNull(schedule, nameof(schedules));
        return new Product([.. schedules]);
    }

    /// <summary>
    /// A schedule whose numbers are epochs: <c>PerEpoch(StepDecay(30, 0.1))</c>. The rate changes between epochs only, as with a PyTorch scheduler that is stepped once an epoch; the
    /// epoch is ⌊updates done / updates in an epoch⌋.
    /// </summary>
    public static LearningRateSchedule PerEpoch(LearningRateSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        return new EpochWise(schedule);
    }

    /// <summary>
    /// A schedule up to update <paramref name="start"/>, and from its rate there to the constant rate of stochastic weight averaging (Izmailov et al. 2018, arXiv:1803.05407). PyTorch's
    /// <c>SWALR</c>.
    /// </summary>
    /// <param name="before">The schedule until then.</param>
    /// <param name="start">The last update with the rate of that schedule; the next one leaves it.</param>
    /// <param name="rate">The constant rate, as a multiple of the base rate.</param>
    /// <param name="annealSteps">Updates until it is reached; 0 and 1 for at once.</param>
    /// <param name="anneal">How it gets there.</param>
    public static LearningRateSchedule Swa(LearningRateSchedule before, long start, double rate, long annealSteps = 10, Anneal anneal = Anneal.Cosine)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ThrowIfNegative(rate);
        ArgumentOutOfRangeException.ThrowIfNegative(annealSteps);
        return new Averaging(before, start, rate, annealSteps, anneal);
    }

    /// <summary>Multiplies all rates by <paramref name="factor"/> when a metric has stopped improving. PyTorch's <c>ReduceLROnPlateau</c>.</summary>
    /// <param name="monitor">The metric, and which way is better: <c>Best.Min("val/loss")</c>.</param>
    /// <param name="factor">What the rates are multiplied by, above 0 and below 1.</param>
    /// <param name="patience">Observations in a row without improvement that are borne; the next one reduces the rates.</param>
    public static ReduceOnPlateau ReduceOnPlateau(Best monitor, double factor = 0.1, int patience = 10) => new(monitor) { ReductionFactor = factor, Patience = patience };

    sealed record Sequence((long At, LearningRateSchedule Schedule)[] Parts) : LearningRateSchedule
    {
        // All but the last end where the next begins.
        public override bool NeedsTotalSteps => Parts[^1].Schedule.NeedsTotalSteps;

        public override bool NeedsStepsPerEpoch => Array.Exists(Parts, p => p.Schedule.NeedsStepsPerEpoch);

        public override bool CyclesMomentum => Array.Exists(Parts, p => p.Schedule.CyclesMomentum);

        public override double Factor(SchedulePoint point)
        {
            var (schedule, inner) = Find(point);
            return schedule.Factor(inner);
        }

        public override double? Momentum(SchedulePoint point)
        {
            var (schedule, inner) = Find(point);
            return schedule.Momentum(inner);
        }

        (LearningRateSchedule Schedule, SchedulePoint Point) Find(SchedulePoint point)
        {
            var current = Parts.Length - 1;
            while (Parts[current].At > point.Step) current--;
            var (at, schedule) = Parts[current];
            var end = current + 1 < Parts.Length ? Parts[current + 1].At : point.TotalSteps;
            return (schedule, point with { Step = point.Step - at, TotalSteps = end is { } known ? Math.Max(1, known - at) : null });
        }
    }

    sealed record Product(LearningRateSchedule[] Factors) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Array.Exists(Factors, f => f.NeedsTotalSteps);

        public override bool NeedsStepsPerEpoch => Array.Exists(Factors, f => f.NeedsStepsPerEpoch);

        public override bool CyclesMomentum => Array.Exists(Factors, f => f.CyclesMomentum);

        public override double Factor(SchedulePoint point)
        {
            var product = 1.0;
            foreach (var factor in Factors) product *= factor.Factor(point);
            return product;
        }

        public override double? Momentum(SchedulePoint point) => Array.Find(Factors, f => f.CyclesMomentum)?.Momentum(point);
    }

    sealed record EpochWise(LearningRateSchedule Schedule) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Schedule.NeedsTotalSteps;

        public override bool NeedsStepsPerEpoch => true;

        public override bool CyclesMomentum => Schedule.CyclesMomentum;

        public override double Factor(SchedulePoint point) => Schedule.Factor(point.InEpochs());

        public override double? Momentum(SchedulePoint point) => Schedule.Momentum(point.InEpochs());
    }

    sealed record Averaging(LearningRateSchedule Before, long Start, double Rate, long AnnealSteps, Anneal Anneal) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Before.NeedsTotalSteps;

        public override bool NeedsStepsPerEpoch => Before.NeedsStepsPerEpoch;

        public override bool CyclesMomentum => Before.CyclesMomentum;

        public override double Factor(SchedulePoint point)
        {
            if (point.Step <= Start) return Before.Factor(point);
            return Anneal.Between(Before.Factor(point with { Step = Start }), Rate, AnnealSteps == 0 ? 1 : (double)(point.Step - Start) / AnnealSteps);
        }

        public override double? Momentum(SchedulePoint point) => Before.Momentum(point with { Step = Math.Min(point.Step, Start) });
    }
}
