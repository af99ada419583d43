using System.Globalization;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// A search under way, for whoever runs the trials: it hands out what to try, decides who stops early, and keeps what came out. <see cref="Tuner.Search"/> runs one around a function.
/// Not safe for several threads at once; several trials may be out at a time.
/// </summary>
public sealed class Study : IDisposable
{
    readonly SearchSpace _space;
    readonly StudyOptions _options;
    readonly StudyJournal? _journal;
    readonly SortedDictionary<int, TrialOutcome> _ended = [];
    readonly Dictionary<int, List<double>> _costs = [];
    readonly SortedDictionary<int, Trial> _interrupted = [];
    int _next;

    /// <summary>Begins a search, or goes on with the one that <see cref="StudyOptions.Journal"/> holds.</summary>
    /// <exception cref="InvalidOptionsException">The space is empty, the settings can't be, or the journal is that of another search.</exception>
    public Study(SearchSpace space, StudyOptions options)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<OptionFault>();
        if (space.Count == 0) faults.Add(new("search", "is empty: give at least one option and its range"));
        if (options.Trials < 1) faults.Add(new("trials", string.Create(CultureInfo.InvariantCulture, $"= {options.Trials}; allowed: 1 and more")));
        InvalidOptionsException.ThrowIfAny(faults);
        _space = space;
        _options = options;
        if (options.Journal is null) return;
        _journal = StudyJournal.Open(options.Journal, space, options);
        foreach (var trial in _journal.Begun) _interrupted[trial.Number] = trial;
        foreach (var outcome in _journal.Ended)
        {
            _interrupted.Remove(outcome.Trial.Number);
            _ended[outcome.Trial.Number] = outcome;
            _costs[outcome.Trial.Number] = [];
            foreach (var report in outcome.Reports) AddCost(outcome.Trial.Number, report);
        }
        _next = Math.Max(_interrupted.Keys.DefaultIfEmpty(-1).Max(), _ended.Keys.DefaultIfEmpty(-1).Max()) + 1;
    }

    /// <summary>Trials that have ended, in the order of their numbers.</summary>
    public IReadOnlyList<TrialOutcome> Ended => [.. _ended.Values];

    /// <summary>The best trial so far, the earliest of equals; null while none has a score.</summary>
    public TrialOutcome? Best => _ended.Values.Where(outcome => outcome.Score is { } score && !double.IsNaN(score)).MinBy(outcome => Cost(outcome.Score!.Value));

    /// <summary>What to try next: first what an interrupted search had begun. Null when all trials are out, or nothing is left to try.</summary>
    public Trial? Next()
    {
        if (_interrupted.Count > 0)
        {
            var again = _interrupted.First().Value;
            _interrupted.Remove(again.Number);
            return again;
        }
        if (_next >= _options.Trials || _options.Sampler.Next(_space, _next, _options.Seed, Ended, _options.HigherIsBetter) is not { } values) return null;
        var trial = new Trial(_next++, values);
        _journal?.Begin(trial);
        return trial;
    }

    /// <summary>Takes a trial's next intermediate score, in order.</summary>
    /// <returns>Whether it should stop here; then end it with <see cref="TrialState.Stopped"/>.</returns>
    public bool Report(Trial trial, double score)
    {
        ArgumentNullException.ThrowIfNull(trial);
        AddCost(trial.Number, score);
        return _options.Stopping.Stops(_costs[trial.Number], [.. _costs.Where(other => other.Key != trial.Number).Select(other => other.Value)]);
    }

    /// <summary>Ends a trial.</summary>
    public void End(TrialOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        _ended[outcome.Trial.Number] = outcome;
        _journal?.End(outcome);
    }

    /// <summary>The better of two scores; what is no number is never better.</summary>
    public double Better(double score, double than) => Cost(score) < Cost(than) ? score : than;

    /// <summary>Closes the journal.</summary>
    public void Dispose() => _journal?.Dispose();

    void AddCost(int number, double score)
    {
        if (!_costs.TryGetValue(number, out var costs)) _costs[number] = costs = [];
        costs.Add(costs.Count > 0 ? Math.Min(costs[^1], Cost(score)) : Cost(score));
    }

    // Lower is better; what is no number is worst.
    double Cost(double score) => double.IsNaN(score) ? double.PositiveInfinity : _options.HigherIsBetter ? -score : score;
}
