using System.ComponentModel.DataAnnotations;

namespace Raijin;

/// <summary>
/// A learning-rate schedule chosen by configuration: <c>--schedule warmupCosine --schedule.warmupSteps 100</c>. A module whose constructor takes one has these keys; it hands
/// them on in <c>ConfigureOptimizers</c> with <see cref="OptimizerOptions.For"/>.
/// </summary>
/// <remarks>An own schedule is a derived record with a <see cref="ChoiceAttribute"/>.</remarks>
public abstract record ScheduleOptions
{
    /// <summary>The schedule.</summary>
    public abstract LearningRateSchedule Build();
}

/// <summary>The base rate throughout.</summary>
[Choice("constant")]
public sealed record ConstantOptions : ScheduleOptions
{
    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.Constant;
}

/// <summary>Up from zero, then a half cosine down to the end.</summary>
[Choice("warmupCosine")]
public sealed record WarmupCosineOptions : ScheduleOptions
{
    /// <summary>Optimizer steps over which the rate rises from zero.</summary>
    [Range(0, long.MaxValue)]
    public long WarmupSteps { get; init; } = 50;

    /// <summary>The rate at the end, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.WarmupCosine(WarmupSteps, Minimum);
}

/// <summary>Up from zero, then a straight line down to the end.</summary>
[Choice("warmupLinear")]
public sealed record WarmupLinearOptions : ScheduleOptions
{
    /// <summary>Optimizer steps over which the rate rises from zero.</summary>
    [Range(0, long.MaxValue)]
    public long WarmupSteps { get; init; } = 50;

    /// <summary>The rate at the end, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.WarmupLinear(WarmupSteps, Minimum);
}

/// <summary>Up from zero, then the base rate.</summary>
[Choice("warmup")]
public sealed record WarmupOptions : ScheduleOptions
{
    /// <summary>Optimizer steps over which the rate rises from zero.</summary>
    [Range(1, long.MaxValue)]
    public long WarmupSteps { get; init; } = 50;

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.Warmup(WarmupSteps);
}

/// <summary>Multiplied by a factor after each so many steps.</summary>
[Choice("stepDecay")]
public sealed record StepDecayOptions : ScheduleOptions
{
    /// <summary>Optimizer steps between two decays.</summary>
    [Range(1, long.MaxValue)]
    public long Steps { get; init; } = 1000;

    /// <summary>The factor.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double Factor { get; init; } = 0.1;

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.StepDecay(Steps, Factor);
}

/// <summary>Up from zero, then down as one over the square root of the step.</summary>
[Choice("warmupInverseSquareRoot")]
public sealed record WarmupInverseSquareRootOptions : ScheduleOptions
{
    /// <summary>Optimizer steps over which the rate rises from zero.</summary>
    [Range(1, long.MaxValue)]
    public long WarmupSteps { get; init; } = 50;

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.WarmupInverseSquareRoot(WarmupSteps);
}

/// <summary>Up from zero, the base rate, then down at the end.</summary>
[Choice("warmupStableDecay")]
public sealed record WarmupStableDecayOptions : ScheduleOptions
{
    /// <summary>Optimizer steps over which the rate rises from zero.</summary>
    [Range(0, long.MaxValue)]
    public long WarmupSteps { get; init; } = 50;

    /// <summary>Optimizer steps over which the rate falls at the end.</summary>
    [Range(1, long.MaxValue)]
    public long DecaySteps { get; init; } = 100;

    /// <summary>The rate at the end, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.WarmupStableDecay(WarmupSteps, DecaySteps, Minimum);
}

/// <summary>Half a cosine from the base rate down to the end.</summary>
[Choice("cosine")]
public sealed record CosineOptions : ScheduleOptions
{
    /// <summary>The rate at the end, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.Cosine(minimum: Minimum);
}

/// <summary>Half a cosine again and again.</summary>
[Choice("cosineRestarts")]
public sealed record CosineRestartsOptions : ScheduleOptions
{
    /// <summary>Optimizer steps of the first half cosine.</summary>
    [Range(1, long.MaxValue)]
    public long FirstSteps { get; init; } = 1000;

    /// <summary>How many times as long each one is as the one before.</summary>
    [Range(1, int.MaxValue)]
    public int Multiplier { get; init; } = 1;

    /// <summary>The rate before each restart, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.CosineRestarts(FirstSteps, Multiplier, Minimum);
}

/// <summary>From the base rate down to zero as a power of what is left of the run.</summary>
[Choice("polynomial")]
public sealed record PolynomialOptions : ScheduleOptions
{
    /// <summary>The power; 1 is a straight line.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double Power { get; init; } = 1;

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.Polynomial(Power);
}

/// <summary>Multiplied by a factor after each step.</summary>
[Choice("exponential")]
public sealed record ExponentialOptions : ScheduleOptions
{
    /// <summary>The factor.</summary>
    [Range(0, 1, MinimumIsExclusive = true)]
    public double Factor { get; init; } = 0.999;

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => Schedules.Exponential(Factor);
}
