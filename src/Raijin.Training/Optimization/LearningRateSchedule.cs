namespace Raijin;

/// <summary>
/// A learning rate as a pure function of the number of updates done: a factor on each group's base rate, the one the optimizer was given. It has no
/// state, so resuming needs none and any update's rate can be printed without training. What answers to measured values is an
/// <see cref="AdaptiveSchedule"/>.
/// </summary>
/// <remarks>
/// Every rate a schedule names is a share of the base rate, never a rate of its own: the optimizer's <c>learningRate</c> is the highest rate (the
/// lowest for the range test alone), and groups with another scale keep it throughout.
/// </remarks>
public abstract record LearningRateSchedule
{
    /// <summary>The factor on the base rate at a point of the run; finite, not negative.</summary>
    public abstract double Factor(SchedulePoint point);

    /// <summary>Whether the shape depends on the run's length, so that a run of unknown length can't have it.</summary>
    public virtual bool NeedsTotalSteps => false;

    /// <summary>Whether the shape counts epochs, so that a run whose epochs have an unknown length can't have it.</summary>
    public virtual bool NeedsStepsPerEpoch => false;

    /// <summary>Whether it sets the momentum (β₁ of the Adam family) too, so that an optimizer without one can't have it.</summary>
    public virtual bool CyclesMomentum => false;

    /// <summary>The momentum at a point of the run, above 0 and below 1; null for the optimizer's own.</summary>
    public virtual double? Momentum(SchedulePoint point) => null;
}
