using System.Diagnostics;

namespace Raijin;

/// <summary>Searches for the options that score best: <c>Tuner.Search(space, new() { Trials = 50 }, run => Train(run.Trial.Double("learningRate")))</c>.</summary>
public static class Tuner
{
    /// <summary>Runs the trials one after another, in this process.</summary>
    /// <param name="space">What may be changed.</param>
    /// <param name="options">The settings; with a journal, a search that was interrupted goes on.</param>
    /// <param name="objective">Runs one trial and returns its score. What it throws is noted, and the search goes on.</param>
    /// <param name="cancellationToken">Ends the search between two trials.</param>
    /// <exception cref="InvalidOptionsException">The space is empty, the settings can't be, or the journal is that of another search.</exception>
    public static StudyResult Search(SearchSpace space, StudyOptions options, Func<TrialRun, double> objective, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(objective);
        using var study = new Study(space, options);
        while (!cancellationToken.IsCancellationRequested && study.Next() is { } trial) study.End(Run(study, trial, objective));
        return new StudyResult(study.Best, study.Ended);
    }

    static TrialOutcome Run(Study study, Trial trial, Func<TrialRun, double> objective)
    {
        var clock = Stopwatch.StartNew();
        var run = new TrialRun(study, trial);
        try
        {
            var score = objective(run);
            return new(trial, run.ShouldStop ? TrialState.Stopped : TrialState.Done, score, run.Reports, clock.Elapsed.TotalSeconds);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Some values are bad enough to break a run: that is a result of the search, not its end.
            return new(trial, TrialState.Failed, null, run.Reports, clock.Elapsed.TotalSeconds, error.Message);
        }
    }
}

/// <summary>A trial under way.</summary>
public sealed class TrialRun
{
    readonly Study _study;
    readonly List<double> _reports = [];

    internal TrialRun(Study study, Trial trial)
    {
        _study = study;
        Trial = trial;
    }

    /// <summary>What is tried.</summary>
    public Trial Trial { get; }

    /// <summary>Whether the trial is not worth going on with: return the best score so far.</summary>
    public bool ShouldStop { get; private set; }

    /// <summary>Intermediate scores so far.</summary>
    public IReadOnlyList<double> Reports => _reports;

    /// <summary>Tells an intermediate score, such as after each epoch.</summary>
    /// <returns><see cref="ShouldStop"/>.</returns>
    public bool Report(double score)
    {
        _reports.Add(score);
        return ShouldStop |= _study.Report(Trial, score);
    }
}

/// <summary>What came out of a search.</summary>
/// <param name="Best">The best trial; null when all failed.</param>
/// <param name="Trials">All of them, in the order of their numbers.</param>
public sealed record StudyResult(TrialOutcome? Best, IReadOnlyList<TrialOutcome> Trials);
