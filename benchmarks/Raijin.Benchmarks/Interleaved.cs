using System.Diagnostics;

namespace Raijin.Benchmarks;

/// <summary>One of the things compared: does the same work each time it is called.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Run">The work.</param>
/// <param name="Operations">How many operations one call does, for times per operation.</param>
/// <param name="Before">Done before each call, untimed.</param>
/// <param name="After">Done after each call, untimed.</param>
sealed record Contestant(string Name, Action Run, long Operations = 1, Action? Before = null, Action? After = null)
{
    /// <summary>Seconds of one call.</summary>
    public double Time()
    {
        Before?.Invoke();
        var start = Stopwatch.GetTimestamp();
        Run();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        After?.Invoke();
        return seconds;
    }
}

/// <summary>Times of one contestant: seconds per operation, one per round.</summary>
sealed record Timing(string Name, double[] Seconds)
{
    public double Median => Statistics.Median(Seconds);

    public double Minimum => Seconds.Min();

    /// <summary>The median of this contestant's time over another's, round by round: what holds when the machine's speed drifts.</summary>
    public double RatioTo(Timing other) => Statistics.Median([.. Seconds.Zip(other.Seconds, (mine, theirs) => mine / theirs)]);

    /// <summary>The median of the differences, round by round, in seconds per operation.</summary>
    public double MinusMedian(Timing other) => Statistics.Median([.. Seconds.Zip(other.Seconds, (mine, theirs) => mine - theirs)]);
}

static class Statistics
{
    public static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>Runs contestants in turn, round after round, in one process: shared and noisy machines allow ratios, not absolute times.</summary>
static class Interleaved
{
    /// <summary>Warms each contestant up, then times each once a round; the order turns from round to round.</summary>
    public static Timing[] Measure(int rounds, params Contestant[] contestants)
    {
        foreach (var contestant in contestants)
            for (var i = 0; i < 2; i++) contestant.Time();

        var seconds = contestants.Select(_ => new double[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < contestants.Length; turn++)
            {
                var which = (round + turn) % contestants.Length;
                seconds[which][round] = contestants[which].Time() / contestants[which].Operations;
            }
        }
        return [.. contestants.Zip(seconds, (c, s) => new Timing(c.Name, s))];
    }
}
