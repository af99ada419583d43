namespace Raijin;

/// <summary>Decides from a trial's intermediate scores whether it is worth its time. Pure: the same scores give the same decision.</summary>
public abstract record StoppingRule
{
    /// <summary>Every trial runs to its end.</summary>
    public static StoppingRule None { get; } = new NeverStops();

    /// <summary>
    /// Asynchronous successive halving (Li et al. 2018, "A system for massively parallel hyperparameter tuning"): at the rungs <paramref name="first"/> × <paramref name="factor"/>^k only the
    /// best 1/<paramref name="factor"/> of all that came so far go on; a first comer goes on.
    /// </summary>
    /// <param name="first">Reports before the first decision (r in the paper).</param>
    /// <param name="factor">How many fewer go on at each rung (η in the paper), at least 2.</param>
    /// <param name="delay">Rungs left out at the bottom (s in the paper): fewer good trials are lost, more bad ones are run.</param>
    public static StoppingRule Halving(int first = 1, int factor = 3, int delay = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(delay);
        return new HalvingRule(first, factor, delay);
    }

    /// <summary>A trial stops when its best score so far is worse than the median of what the others had reached at the same report (Golovin et al. 2017, without the averaging).</summary>
    /// <param name="startup">Trials that must have come as far before anything is decided.</param>
    /// <param name="warmup">Reports of a trial before anything is decided.</param>
    public static StoppingRule Median(int startup = 4, int warmup = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(startup);
        ArgumentOutOfRangeException.ThrowIfNegative(warmup);
        return new MedianRule(startup, warmup);
    }

    /// <summary>Whether the trial should stop at its last report.</summary>
    /// <param name="reports">The trial's costs (lower is better), best so far at each report; at least one.</param>
    /// <param name="others">The same of all other trials.</param>
    public abstract bool Stops(IReadOnlyList<double> reports, IReadOnlyList<IReadOnlyList<double>> others);

    sealed record NeverStops : StoppingRule
    {
        public override bool Stops(IReadOnlyList<double> reports, IReadOnlyList<IReadOnlyList<double>> others) => false;
    }
}

sealed record HalvingRule(int First, int Factor, int Delay) : StoppingRule
{
    public override bool Stops(IReadOnlyList<double> reports, IReadOnlyList<IReadOnlyList<double>> others)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(others);
        if (!IsRung(reports.Count)) return false;
        var own = reports[^1];
        var rung = others.Where(other => other.Count >= reports.Count).Select(other => other[reports.Count - 1]).ToList();
        var better = rung.Count(cost => cost < own || double.IsNaN(own));
        return better >= GoOn(rung.Count + 1);
    }

    /// <summary>Whether there is a decision after so many reports.</summary>
    public bool IsRung(int reports)
    {
        var rung = (long)First;
        for (var k = 0; k < Delay; k++) rung *= Factor;
        while (rung < reports) rung *= Factor;
        return rung == reports;
    }

    /// <summary>How many of <paramref name="count"/> at a rung go on.</summary>
    public int GoOn(int count) => Math.Max(1, count / Factor);
}

sealed record MedianRule(int Startup, int Warmup) : StoppingRule
{
    public override bool Stops(IReadOnlyList<double> reports, IReadOnlyList<IReadOnlyList<double>> others)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(others);
        if (reports.Count <= Warmup) return false;
        var reached = others.Where(other => other.Count >= reports.Count).Select(other => other[reports.Count - 1]).Order().ToList();
        if (reached.Count < Math.Max(1, Startup)) return false;
        var middle = reached.Count / 2;
        var median = reached.Count % 2 == 1 ? reached[middle] : 0.5 * (reached[middle - 1] + reached[middle]);
        return !(reports[^1] <= median);
    }
}
