namespace Raijin;

/// <summary>
/// A learning rate as a pure function of the step: the factor on each group's base rate. It has no state, so resuming needs none and
/// any step's rate can be printed without training.
/// </summary>
public abstract record LearningRateSchedule
{
    /// <summary>The factor for optimizer step number <paramref name="step"/>.</summary>
    /// <param name="step">Steps done before it: 0 for the first.</param>
    /// <param name="totalSteps">Steps of the whole run; null when nobody knows.</param>
    public abstract double Factor(long step, long? totalSteps);

    /// <summary>Whether the shape depends on the run's length, so that a run of unknown length can't have it.</summary>
    public virtual bool NeedsTotalSteps => false;
}

/// <summary>Learning-rate schedules.</summary>
public static class Schedules
{
    /// <summary>The base rate throughout.</summary>
    public static LearningRateSchedule Constant { get; } = new ConstantRate();

    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> steps, then a half cosine down to <paramref name="minimum"/> × the base rate at the run's end (Loshchilov and Hutter 2017, without restarts).</summary>
    public static LearningRateSchedule WarmupCosine(long warmupSteps, double minimum = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ThrowIfNotShare(minimum);
        return new WarmupThen(warmupSteps, minimum, Cosine: true);
    }

    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> steps, then linear down to <paramref name="minimum"/> × the base rate at the run's end.</summary>
    public static LearningRateSchedule WarmupLinear(long warmupSteps, double minimum = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ThrowIfNotShare(minimum);
        return new WarmupThen(warmupSteps, minimum, Cosine: false);
    }

    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> steps, then the base rate.</summary>
    public static LearningRateSchedule Warmup(long warmupSteps)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        return new WarmupOnly(warmupSteps);
    }

    /// <summary>Multiplied by <paramref name="factor"/> after each <paramref name="steps"/> steps.</summary>
    public static LearningRateSchedule StepDecay(long steps, double factor)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        return new Stairs(steps, factor);
    }

    static void ThrowIfNotShare(double minimum)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimum);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minimum, 1.0);
    }

    sealed record ConstantRate : LearningRateSchedule
    {
        public override double Factor(long step, long? totalSteps) => 1;
    }

    sealed record WarmupOnly(long WarmupSteps) : LearningRateSchedule
    {
        public override double Factor(long step, long? totalSteps) => Math.Min(1.0, (step + 1.0) / WarmupSteps);
    }

    sealed record Stairs(long Steps, double Decay) : LearningRateSchedule
    {
        public override double Factor(long step, long? totalSteps) => Math.Pow(Decay, step / Steps);
    }

    sealed record WarmupThen(long WarmupSteps, double Minimum, bool Cosine) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => true;

        public override double Factor(long step, long? totalSteps)
        {
            // The first step already moves: at rate 0 it would be a step for nothing.
            if (step < WarmupSteps) return (step + 1.0) / WarmupSteps;
            var decaySteps = Math.Max(1, totalSteps!.Value - WarmupSteps);
            var progress = Math.Min(1.0, (double)(step - WarmupSteps) / decaySteps);
            var shape = Cosine ? 0.5 * (1 + Math.Cos(Math.PI * progress)) : 1 - progress;
            return Minimum + (1 - Minimum) * shape;
        }
    }
}
