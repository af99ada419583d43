using static Raijin.Training.ScheduleGuard;

namespace Raijin;

// A warm-up of W updates rises over (n + 1) / W: the first update already moves, since at rate 0 it would be an update for nothing.
public static partial class Schedules
{
    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> updates, then the base rate.</summary>
    public static LearningRateSchedule Warmup(long warmupSteps)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        return new WarmupOnly(warmupSteps);
    }

    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> updates, then a half cosine down to <paramref name="minimum"/> × the base rate at the run's end (Loshchilov and Hutter 2017, without restarts).</summary>
    public static LearningRateSchedule WarmupCosine(long warmupSteps, double minimum = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ThrowIfNotShare(minimum);
        return new WarmupThen(warmupSteps, minimum, Cosine: true);
    }

    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> updates, then linear down to <paramref name="minimum"/> × the base rate at the run's end.</summary>
    public static LearningRateSchedule WarmupLinear(long warmupSteps, double minimum = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ThrowIfNotShare(minimum);
        return new WarmupThen(warmupSteps, minimum, Cosine: false);
    }

    /// <summary>Linear from 0 over the first <paramref name="warmupSteps"/> updates W, then f(n) = √(W / (n + 1)): the rate of Vaswani et al. 2017, scaled to the base rate at its top. Needs no end.</summary>
    public static LearningRateSchedule WarmupInverseSquareRoot(long warmupSteps)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        return new InverseSquareRoot(warmupSteps);
    }

    /// <summary>
    /// WSD: linear from 0 over the first <paramref name="warmupSteps"/> updates, the base rate, and over the run's last <paramref name="decaySteps"/> updates down to
    /// <paramref name="minimum"/> × the base rate (Hu et al. 2024, arXiv:2404.06395). A run can be made longer from any checkpoint before the decay.
    /// </summary>
    /// <param name="warmupSteps">Updates of the rise.</param>
    /// <param name="decaySteps">Updates of the fall, about a tenth of the run as a rule.</param>
    /// <param name="minimum">Where it ends, a share of the base rate.</param>
    /// <param name="anneal">How it falls; 1 − √ did best in Hägele et al. 2024.</param>
    public static LearningRateSchedule WarmupStableDecay(long warmupSteps, long decaySteps, double minimum = 0, Anneal anneal = Anneal.SquareRoot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(decaySteps);
        ThrowIfNotShare(minimum);
        return new Plateau(warmupSteps, decaySteps, minimum, anneal);
    }

    /// <summary>Linear up over the first <paramref name="warmupSteps"/> updates, the base rate, linear down over the run's last <paramref name="decaySteps"/> ones (Zhai et al. 2022, arXiv:2106.04560).</summary>
    public static LearningRateSchedule Trapezoid(long warmupSteps, long decaySteps, double minimum = 0) => WarmupStableDecay(warmupSteps, decaySteps, minimum, Anneal.Linear);

    static double Rise(long step, long warmupSteps) => Math.Min(1.0, (step + 1.0) / warmupSteps);

    sealed record WarmupOnly(long WarmupSteps) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => Rise(point.Step, WarmupSteps);
    }

    sealed record WarmupThen(long WarmupSteps, double Minimum, bool Cosine) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => true;

        public override double Factor(SchedulePoint point)
        {
            if (point.Step < WarmupSteps) return Rise(point.Step, WarmupSteps);
            var decaySteps = Math.Max(1, point.Length(null) - WarmupSteps);
            var progress = Math.Min(1.0, (double)(point.Step - WarmupSteps) / decaySteps);
            var shape = Cosine ? 0.5 * (1 + Math.Cos(Math.PI * progress)) : 1 - progress;
            return Minimum + (1 - Minimum) * shape;
        }
    }

    sealed record InverseSquareRoot(long WarmupSteps) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => point.Step < WarmupSteps ? Rise(point.Step, WarmupSteps) : Math.Sqrt(WarmupSteps / (point.Step + 1.0));
    }

    sealed record Plateau(long WarmupSteps, long DecaySteps, double Minimum, Anneal Anneal) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => true;

        public override double Factor(SchedulePoint point)
        {
            if (point.Step < WarmupSteps) return Rise(point.Step, WarmupSteps);
            var begin = Math.Max(WarmupSteps, point.Length(null) - DecaySteps);
            return Anneal.Between(1, Minimum, (double)(point.Step - begin) / DecaySteps);
        }
    }
}
