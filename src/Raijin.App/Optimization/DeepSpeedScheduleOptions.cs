using System.ComponentModel.DataAnnotations;

namespace Raijin;

/// <summary>A schedule of DeepSpeed's that begins with a rise.</summary>
public abstract record DeepSpeedRiseOptions : ScheduleOptions
{
    /// <summary>Optimizer steps of the rise.</summary>
    [Range(1, long.MaxValue)]
    public long WarmupSteps { get; init; } = 1000;

    /// <summary>How it rises.</summary>
    public WarmupGrowth Growth { get; init; } = WarmupGrowth.Logarithmic;
}

/// <summary>DeepSpeed's WarmupLR: from the lowest rate up to the base rate.</summary>
[Choice("deepSpeedWarmup")]
public sealed record DeepSpeedWarmupOptions : DeepSpeedRiseOptions
{
    /// <summary>Where it starts, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => DeepSpeedSchedules.Warmup(WarmupSteps, Minimum, Growth);
}

/// <summary>DeepSpeed's WarmupDecayLR: up to the base rate, then a straight line down.</summary>
[Choice("deepSpeedWarmupDecay")]
public sealed record DeepSpeedWarmupDecayOptions : DeepSpeedRiseOptions
{
    /// <summary>Where it starts and ends, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; }

    /// <summary>Optimizer steps of its period, which is all of it; null for the run's.</summary>
    [Range(1, long.MaxValue)]
    public long? Steps { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => DeepSpeedSchedules.WarmupDecay(WarmupSteps, Minimum, Growth, Steps);
}

/// <summary>DeepSpeed's WarmupCosineLR: up to the base rate, then half a cosine down.</summary>
[Choice("deepSpeedWarmupCosine")]
public sealed record DeepSpeedWarmupCosineOptions : DeepSpeedRiseOptions
{
    /// <summary>Where it starts, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double WarmupMinimum { get; init; }

    /// <summary>Where it ends, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double CosineMinimum { get; init; } = 1e-4;

    /// <summary>Optimizer steps of its period, which is all of it; null for the run's.</summary>
    [Range(1, long.MaxValue)]
    public long? Steps { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => DeepSpeedSchedules.WarmupCosine(WarmupSteps, WarmupMinimum, CosineMinimum, Growth, Steps);
}

/// <summary>DeepSpeed's OneCycle: up to the base rate and down again, the momentum the other way, then a decay.</summary>
[Choice("deepSpeedOneCycle")]
public sealed record DeepSpeedOneCycleOptions : ScheduleOptions
{
    /// <summary>The lowest rate of the cycle, as a share of the base rate.</summary>
    [Range(0, 1)]
    public double Minimum { get; init; } = 0.1;

    /// <summary>Optimizer steps of the rise.</summary>
    [Range(1, long.MaxValue)]
    public long FirstSteps { get; init; } = 2000;

    /// <summary>Optimizer steps of the fall; null for as many.</summary>
    [Range(1, long.MaxValue)]
    public long? SecondSteps { get; init; }

    /// <summary>In how many stairs it rises; 0 for none.</summary>
    [Range(0, int.MaxValue)]
    public int FirstStairs { get; init; }

    /// <summary>In how many it falls; null for as many.</summary>
    [Range(0, int.MaxValue)]
    public int? SecondStairs { get; init; }

    /// <summary>Optimizer steps of the decay.</summary>
    [Range(0, long.MaxValue)]
    public long DecaySteps { get; init; }

    /// <summary>How the rate decays after the cycle.</summary>
    [Range(0, double.PositiveInfinity)]
    public double DecayRate { get; init; }

    /// <summary>Whether the momentum is cycled too.</summary>
    public bool CycleMomentum { get; init; } = true;

    /// <summary>The momentum at the base rate.</summary>
    [Range(0, 1)]
    public double MinMomentum { get; init; } = 0.8;

    /// <summary>The momentum at the lowest rate.</summary>
    [Range(0, 1)]
    public double MaxMomentum { get; init; } = 0.9;

    /// <summary>How the momentum grows after the cycle.</summary>
    [Range(0, double.PositiveInfinity)]
    public double MomentumDecayRate { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() =>
        DeepSpeedSchedules.OneCycle(Minimum, FirstSteps, SecondSteps, FirstStairs, SecondStairs, DecaySteps, DecayRate, CycleMomentum, MinMomentum, MaxMomentum, MomentumDecayRate);
}

/// <summary>DeepSpeed's LRRangeTest: ever higher from the base rate, to find the highest that does not diverge.</summary>
[Choice("deepSpeedRangeTest")]
public sealed record DeepSpeedRangeTestOptions : ScheduleOptions
{
    /// <summary>Optimizer steps of its period.</summary>
    [Range(1, long.MaxValue)]
    public long Steps { get; init; } = 2000;

    /// <summary>How much it grows in them.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Rate { get; init; } = 1;

    /// <summary>Whether it grows all at once at the end of them.</summary>
    public bool Staircase { get; init; }

    /// <inheritdoc/>
    public override LearningRateSchedule Build() => DeepSpeedSchedules.RangeTest(Steps, Rate, Staircase);
}
