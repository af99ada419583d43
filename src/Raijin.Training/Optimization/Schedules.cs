using static Raijin.Training.ScheduleGuard;

namespace Raijin;

/// <summary>
/// Learning-rate schedules. n is the number of updates done before the one whose rate is asked for, and f(n) the factor on the base rate.
/// docs/guides/schedules.md has all of them in one table, with PyTorch's and DeepSpeed's names.
/// </summary>
public static partial class Schedules
{
    /// <summary>The base rate throughout.</summary>
    public static LearningRateSchedule Constant { get; } = new ConstantRate();

    /// <summary>f(n) = factor^⌊n / steps⌋: multiplied by <paramref name="factor"/> after each <paramref name="steps"/> updates. PyTorch's <c>StepLR</c>.</summary>
    public static LearningRateSchedule StepDecay(long steps, double factor = 0.1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        ThrowIfNotPositive(factor);
        return new Stairs(steps, factor);
    }

    /// <summary>f(n) = factor^(number of milestones ≤ n). PyTorch's <c>MultiStepLR</c>.</summary>
    /// <param name="milestones">Updates after which the rate is multiplied; one that occurs twice counts twice.</param>
    /// <param name="factor">What it is multiplied by.</param>
    public static LearningRateSchedule MultiStep(IReadOnlyList<long> milestones, double factor = 0.1)
    {
        ArgumentNullException.ThrowIfNull(milestones);
        foreach (var milestone in milestones) ArgumentOutOfRangeException.ThrowIfNegative(milestone, nameof(milestones));
        ThrowIfNotPositive(factor);
        return new Milestones([.. milestones.Order()], factor);
    }

    /// <summary>f(n) = factorⁿ. PyTorch's <c>ExponentialLR</c>.</summary>
    public static LearningRateSchedule Exponential(double factor)
    {
        ThrowIfNotPositive(factor);
        return new Stairs(1, factor);
    }

    /// <summary>f(n) goes in equal steps from <paramref name="from"/> to <paramref name="to"/> over <paramref name="steps"/> updates and stays there. PyTorch's <c>LinearLR</c>.</summary>
    /// <param name="from">The first factor.</param>
    /// <param name="to">The last factor.</param>
    /// <param name="steps">How many updates it takes; null for the whole run.</param>
    public static LearningRateSchedule Linear(double from = 1.0 / 3, double to = 1, long? steps = null)
    {
        ThrowIfNegative(from);
        ThrowIfNegative(to);
        ThrowIfNotLength(steps);
        return new Ramp(from, to, steps);
    }

    /// <summary>f(n) = <paramref name="factor"/> for the first <paramref name="steps"/> updates, then 1. PyTorch's <c>ConstantLR</c>.</summary>
    public static LearningRateSchedule Hold(double factor = 1.0 / 3, long steps = 5)
    {
        ThrowIfNegative(factor);
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        return new HeldFactor(factor, steps);
    }

    /// <summary>f(n) = (1 − min(n, steps) / steps)^power. PyTorch's <c>PolynomialLR</c>.</summary>
    /// <param name="power">The exponent, above 0.</param>
    /// <param name="steps">Updates until the rate is 0; null for the whole run.</param>
    public static LearningRateSchedule Polynomial(double power = 1, long? steps = null)
    {
        ThrowIfNotPositive(power);
        ThrowIfNotLength(steps);
        return new Power(power, steps);
    }

    /// <summary>
    /// f(n) = minimum + (1 − minimum) · (1 + cos(π · n / steps)) / 2: half a cosine down, and up again for whoever goes on beyond it. PyTorch's
    /// <c>CosineAnnealingLR</c> (Loshchilov and Hutter 2017).
    /// </summary>
    /// <param name="steps">Updates from the top to the bottom (<c>T_max</c>); null for the whole run.</param>
    /// <param name="minimum">The bottom, a share of the base rate.</param>
    public static LearningRateSchedule Cosine(long? steps = null, double minimum = 0)
    {
        ThrowIfNotLength(steps);
        ThrowIfNotShare(minimum);
        return new CosineWave(steps, minimum);
    }

    /// <summary>Half a cosine down, again and again, each time <paramref name="multiplier"/> × as long. PyTorch's <c>CosineAnnealingWarmRestarts</c> (Loshchilov and Hutter 2017).</summary>
    /// <param name="firstSteps">Updates until the first restart (<c>T_0</c>).</param>
    /// <param name="multiplier">How many times as long each period is as the one before (<c>T_mult</c>).</param>
    /// <param name="minimum">The bottom, a share of the base rate.</param>
    public static LearningRateSchedule CosineRestarts(long firstSteps, int multiplier = 1, double minimum = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(firstSteps);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        ThrowIfNotShare(minimum);
        return new Restarts(firstSteps, multiplier, minimum);
    }

    /// <summary>f(n) = <paramref name="factor"/>(n). PyTorch's <c>LambdaLR</c>.</summary>
    /// <param name="factor">A pure function of the number of updates done, so that a resumed run goes on with the same rates.</param>
    public static LearningRateSchedule Lambda(Func<long, double> factor)
    {
        ArgumentNullException.ThrowIfNull(factor);
        return new Computed(factor);
    }

    /// <summary>f(n) = factor(1) · factor(2) · … · factor(n). PyTorch's <c>MultiplicativeLR</c>.</summary>
    /// <param name="factor">A pure function of the number of updates done. Asked in order it is called once an update.</param>
    public static LearningRateSchedule Multiplicative(Func<long, double> factor)
    {
        ArgumentNullException.ThrowIfNull(factor);
        return new RunningProduct(factor);
    }

    sealed record ConstantRate : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => 1;
    }

    sealed record Stairs(long Steps, double Decay) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => Math.Pow(Decay, point.Step / Steps);
    }

    sealed record Milestones(long[] Steps, double Decay) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point)
        {
            var passed = 0;
            while (passed < Steps.Length && Steps[passed] <= point.Step) passed++;
            return Math.Pow(Decay, passed);
        }
    }

    sealed record Ramp(double From, double To, long? Steps) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Steps is null;

        public override double Factor(SchedulePoint point) => Anneal.Linear.Between(From, To, (double)point.Step / point.Length(Steps));
    }

    sealed record HeldFactor(double Share, long Steps) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => point.Step < Steps ? Share : 1;
    }

    sealed record Power(double Exponent, long? Steps) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Steps is null;

        public override double Factor(SchedulePoint point) => Math.Pow(1 - Math.Min(1, (double)point.Step / point.Length(Steps)), Exponent);
    }

    sealed record CosineWave(long? Steps, double Minimum) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Steps is null;

        public override double Factor(SchedulePoint point)
        {
            // Folded into one period first: the wave loses no digits however far out it is asked for.
            var steps = point.Length(Steps);
            var position = point.Step % (2 * steps);
            return Anneal.Cosine.Between(1, Minimum, (double)(position <= steps ? position : (2 * steps) - position) / steps);
        }
    }

    sealed record Restarts(long FirstSteps, int Multiplier, double Minimum) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point)
        {
            var (position, steps) = (point.Step, FirstSteps);
            if (Multiplier == 1) position %= steps;
            while (position >= steps) (position, steps) = (position - steps, steps * Multiplier);
            return Anneal.Cosine.Between(1, Minimum, (double)position / steps);
        }
    }

    sealed record Computed(Func<long, double> Function) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => Function(point.Step);
    }

    sealed record RunningProduct(Func<long, double> Function) : LearningRateSchedule
    {
        // The product asked for last: the next update's costs one multiplication. Replaced as a whole, so that readers on other threads see one or the other.
        Known _last = new(0, 1);

        public override double Factor(SchedulePoint point)
        {
            var (step, product) = Volatile.Read(ref _last) is { } last && last.Step <= point.Step ? last : new Known(0, 1);
            while (step < point.Step) product *= Function(++step);
            Volatile.Write(ref _last, new(step, product));
            return product;
        }

        public bool Equals(RunningProduct? other) => other is not null && Function == other.Function;

        public override int GetHashCode() => Function.GetHashCode();

        sealed record Known(long Step, double Product);
    }
}
