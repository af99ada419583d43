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
