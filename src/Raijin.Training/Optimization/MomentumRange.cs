namespace Raijin.Training;

/// <summary>Between what a momentum is cycled; it is low where the rate is high.</summary>
sealed record MomentumRange
{
    public MomentumRange(double low, double high)
    {
        if (!(low > 0 && low <= high && high < 1))
            throw new ArgumentOutOfRangeException(nameof(low), low, FormattableString.Invariant($"The momentum is cycled between minMomentum = {low} and maxMomentum = {high}: both must be above 0 and below 1, the first not above the second."));
        (Low, High) = (low, high);
    }

    public double Low { get; }

    public double High { get; }

    /// <summary>The momentum where the rate is at <paramref name="height"/> of its way up, in [0, 1].</summary>
    public double At(double height) => High - ((High - Low) * height);
}
