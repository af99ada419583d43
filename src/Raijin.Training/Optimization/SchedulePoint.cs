namespace Raijin;

/// <summary>Where a run stands when a schedule is asked for a rate.</summary>
/// <param name="Step">Updates done so far: 0 for the first one. Updates that a loss scaler skips are not counted.</param>
/// <param name="TotalSteps">Updates of the whole run; null when nobody knows.</param>
/// <param name="StepsPerEpoch">Updates of an epoch; null when nobody knows.</param>
public readonly record struct SchedulePoint(long Step, long? TotalSteps = null, long? StepsPerEpoch = null)
{
    /// <summary>The same run, counted in epochs: what a schedule whose numbers are epochs is to see.</summary>
    /// <exception cref="InvalidOperationException">The number of updates in an epoch is unknown.</exception>
    internal SchedulePoint InEpochs()
    {
        var steps = StepsPerEpoch ?? throw new InvalidOperationException("A schedule counts epochs, and the number of updates in an epoch is unknown: give it as SchedulePoint.StepsPerEpoch.");
        return new(Step / steps, (TotalSteps + steps - 1) / steps, 1);
    }

    /// <summary>The updates a schedule stretches over: its own number where it has one, else the run's.</summary>
    /// <exception cref="InvalidOperationException">Neither is known.</exception>
    internal long Length(long? own) =>
        own ?? TotalSteps ?? throw new InvalidOperationException("A schedule stretches over the whole run, whose number of updates is unknown: give it as SchedulePoint.TotalSteps, or give the schedule its own number of steps.");
}
