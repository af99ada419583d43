using System.Runtime.CompilerServices;

namespace Raijin.Training;

/// <summary>Refuses numbers that no schedule can have.</summary>
static class ScheduleGuard
{
    public static void ThrowIfNotShare(double share, [CallerArgumentExpression(nameof(share))] string name = "")
    {
        if (!(share >= 0 && share <= 1)) throw new ArgumentOutOfRangeException(name, share, $"{name} is a share of the base rate and must be in [0, 1].");
    }

    public static void ThrowIfNotPositive(double value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, $"{name} must be finite and above 0.");
    }

    public static void ThrowIfNegative(double value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!(value >= 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, $"{name} must be finite and not negative.");
    }

    /// <summary>Refuses a number of updates that is given and not positive.</summary>
    public static void ThrowIfNotLength(long? steps, [CallerArgumentExpression(nameof(steps))] string name = "")
    {
        if (steps is { } given) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(given, name);
    }
}
