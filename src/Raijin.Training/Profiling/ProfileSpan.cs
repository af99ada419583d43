using System.Diagnostics;

namespace Raijin;

/// <summary>A measured stretch of time, in ticks of <see cref="Stopwatch"/>.</summary>
/// <param name="Began">When it began.</param>
/// <param name="Ended">When it ended.</param>
/// <param name="Within">Ticks of the regions (hooks) measured within it.</param>
public readonly record struct ProfileSpan(long Began, long Ended, long Within)
{
    /// <summary>Its length in ticks.</summary>
    public long Ticks => Ended - Began;

    /// <summary>Its length without what was measured within it.</summary>
    public long OwnTicks => Ended - Began - Within;

    /// <summary>Ticks as time.</summary>
    public static TimeSpan Time(double ticks) => TimeSpan.FromSeconds(ticks / Stopwatch.Frequency);
}

/// <summary>A named piece of code that is measured wherever it runs: a hook of a callback, a hook of the module, or a region of your own.</summary>
public sealed class ProfileRegion
{
    internal ProfileRegion(int index, string name)
    {
        Index = index;
        Name = name;
    }

    /// <summary>Its number among the session's regions, from 0.</summary>
    public int Index { get; }

    /// <summary>Such as <c>ModelCheckpoint.OnTrainStepEnd</c>.</summary>
    public string Name { get; }
}
