using System.Runtime.InteropServices;

namespace Raijin.App;

/// <summary>How the trials of a search are run.</summary>
/// <param name="Command">The program and its arguments up to a trial's own.</param>
/// <param name="Folder">The folder of the trials' runs.</param>
/// <param name="Monitor">What is searched for.</param>
/// <param name="Jobs">Trials at a time.</param>
/// <param name="Deadline">The longest a trial may take.</param>
sealed record SearchRun(IReadOnlyList<string> Command, string Folder, Best Monitor, int Jobs, TimeSpan Deadline);

/// <summary>Runs a study's trials as processes, several at a time. A trial's reports decide, whenever they are seen: one that ended before it was stopped counts as stopped at the same report.</summary>
sealed class ProcessSearch(Study study, SearchRun run, Action<TrialOutcome> onEnd)
{
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    // Children got the signal of a terminal too; those of a kill have this long.
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    readonly List<TrialProcess> _running = [];
    volatile int _signal;

    /// <summary>Runs all trials that are left.</summary>
    /// <returns>0; or the exit code of the signal that ended the search.</returns>
    public int Run()
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, 130));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, 143));
        try
        {
            while (_signal == 0)
            {
                while (_running.Count < run.Jobs && study.Next() is { } trial) _running.Add(Start(trial));
                if (_running.Count == 0) break;
                _running[0].Wait(Poll);
                foreach (var process in _running.ToList()) Look(process);
            }
            foreach (var process in _running)
                if (process.Wait(_signal == 130 ? Grace : TimeSpan.Zero)) Look(process, remove: false);
            return _signal;
        }
        finally
        {
            foreach (var process in _running) process.Dispose();
        }
    }

    void End(PosixSignalContext context, int exitCode)
    {
        if (_signal != 0) return; // a second signal ends this process
        context.Cancel = true;
        _signal = exitCode;
    }

    TrialProcess Start(Trial trial) =>
        new(trial, run.Command, Path.Combine(run.Folder, trial.Number.ToString(System.Globalization.CultureInfo.InvariantCulture)), run.Jobs > 1 ? Math.Max(1, Environment.ProcessorCount / run.Jobs) : null);

    void Look(TrialProcess process, bool remove = true)
    {
        var exited = process.HasExited; // before its reports are read: then none is missed
        var stopped = false;
        foreach (var score in process.NewScores(run.Monitor.Metric))
        {
            process.Scores.Add(score);
            if (stopped = study.Report(process.Trial, score)) break;
        }
        var late = process.Elapsed > run.Deadline;
        if (!exited && !stopped && !late) return;

        if (stopped || !exited) process.Kill();
        if (stopped) Ended(process, TrialState.Stopped, null);
        else if (!exited) Ended(process, TrialState.Failed, $"took longer than {run.Deadline:c}");
        else if (process.Problem is not { } problem) Ended(process, TrialState.Done, null);
        else if (!process.WasInterrupted) Ended(process, TrialState.Failed, problem);
        if (!remove) return;
        _running.Remove(process);
        process.Dispose();
    }

    void Ended(TrialProcess process, TrialState state, string? problem)
    {
        double? score = process.Scores.Count == 0 ? null : process.Scores.Aggregate((best, next) => study.Better(next, best));
        if (state != TrialState.Failed && score is null or double.NaN) (state, problem) = (TrialState.Failed, $"{run.Monitor.Metric} was not logged in any validation");
        var outcome = new TrialOutcome(process.Trial, state, state == TrialState.Failed ? null : score, process.Scores, process.Elapsed.TotalSeconds, problem);
        study.End(outcome);
        onEnd(outcome);
    }
}
