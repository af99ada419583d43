namespace Raijin.Training;

/// <summary>Decides what is measured next: whatever promises most, after the model's errors on its measured neighbours are taken for its own. Pure, on the first rank.</summary>
sealed class ThroughputSelection(IReadOnlyList<ThroughputTrial> candidates, int trials, bool exhaustive = false)
{
    // The model's errors differ from candidate to candidate by about so much.
    const double Doubt = 1.05;

    // Where it met the first, or two candidates missed it by the same, to so much, it is believed.
    const double Certain = 1.03;

    readonly List<ThroughputTrial> _tried = [];

    /// <summary>Those tried, in that order.</summary>
    public IReadOnlyList<ThroughputTrial> Tried => _tried;

    /// <summary>The fastest so far.</summary>
    public ThroughputTrial? Best => _tried.Where(t => t.State == ThroughputState.Measured).MinBy(t => t.Seconds);

    /// <summary>What to measure next; null when enough were, or nothing that is left may be faster than the best.</summary>
    public ThroughputTrial? Next()
    {
        if (exhaustive) return Left().FirstOrDefault();
        // One that failed took next to no time: another may take its place, so that the search ends with something.
        if (_tried.Count(t => t.State != ThroughputState.Failed) >= trials) return null;
        var next = Left().MinBy(Expected);
        return next is null || (Best is { } best && (IsCertain || _tried.Count >= 2) && Expected(next) > (IsCertain ? 1 : Doubt) * best.Seconds) ? null : next;
    }

    bool IsCertain
    {
        get
        {
            var ratios = _tried.Where(t => t.Seconds is not null).Select(t => t.Seconds!.Value / t.PredictedSeconds).ToList();
            return ratios.Count == 1 ? ratios[0] is >= 1 / Certain and <= Certain : ratios.Count > 1 && ratios.Max() <= Certain * ratios.Min();
        }
    }

    /// <summary>Notes how one ended.</summary>
    public void End(ThroughputTrial trial) => _tried.Add(trial);

    /// <summary>Everything, for the result.</summary>
    public IReadOnlyList<ThroughputTrial> All() => [.. _tried, .. Left().OrderBy(Expected), .. candidates.Where(c => c.State == ThroughputState.TooLarge)];

    IEnumerable<ThroughputTrial> Left() => candidates.Where(c => c.State == ThroughputState.NotMeasured && _tried.TrueForAll(t => t.Candidate != c.Candidate));

    double Expected(ThroughputTrial trial)
    {
        var timed = _tried.Where(t => t.Seconds is not null).ToList();
        if (timed.Count == 0) return trial.PredictedSeconds;
        var nearest = timed.Min(t => t.Candidate.Distance(trial.Candidate));
        return trial.PredictedSeconds * timed.Where(t => t.Candidate.Distance(trial.Candidate) == nearest).Average(t => t.Seconds!.Value / t.PredictedSeconds);
    }
}
