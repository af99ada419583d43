namespace Raijin;

/// <summary>
/// Finds a learning rate: trains a few steps while the rate grows from very small to very large, and looks where the loss falls fastest (Smith 2017,
/// arXiv:1506.01186). Weights and random state are put back afterwards; nothing is written.
/// </summary>
/// <remarks>Lightning's <c>LearningRateFinder</c> and <c>Tuner.lr_find</c>, with the same defaults.</remarks>
public sealed record LearningRateFinder
{
    /// <summary>The first rate; above zero.</summary>
    /// <value>Default 1e-8.</value>
    public double Minimum { get; init; } = 1e-8;

    /// <summary>The last rate; above <see cref="Minimum"/>.</summary>
    /// <value>Default 1.</value>
    public double Maximum { get; init; } = 1;

    /// <summary>Steps, and so rates; 3 and more.</summary>
    /// <value>Default 100.</value>
    public int Steps { get; init; } = 100;

    /// <summary>Whether rates grow by a factor, or by a difference.</summary>
    /// <value>Default true: by a factor.</value>
    public bool Exponential { get; init; } = true;

    /// <summary>Weight of the past in the smoothed loss, in [0, 1); its start is corrected for.</summary>
    /// <value>Default 0.98.</value>
    public double Smoothing { get; init; } = 0.98;

    /// <summary>Ends the sweep when the smoothed loss is this many times the smallest so far; above 1.</summary>
    /// <value>Default 4; null: never.</value>
    public double? StopFactor { get; init; } = 4;

    /// <summary>The rate of a step; the first is 0.</summary>
    internal double RateAt(long step)
    {
        var share = (double)step / (Steps - 1);
        return Exponential ? Minimum * Math.Pow(Maximum / Minimum, share) : Minimum + (Maximum - Minimum) * share;
    }

    internal IEnumerable<OptionFault> Faults()
    {
        if (!(Minimum > 0)) yield return new("learningRateFinder.minimum", $"= {Minimum}; allowed: above zero");
        if (!(Maximum > Minimum)) yield return new("learningRateFinder.maximum", $"= {Maximum}; allowed: above minimum = {Minimum}");
        if (Steps < 3) yield return new("learningRateFinder.steps", $"= {Steps}; allowed: 3 and more");
        if (!(Smoothing >= 0 && Smoothing < 1)) yield return new("learningRateFinder.smoothing", $"= {Smoothing}; allowed: 0 up to, but not, 1");
        if (!(StopFactor is null or > 1)) yield return new("learningRateFinder.stopFactor", $"= {StopFactor}; allowed: above 1, or null");
    }
}
