using Microsoft.Extensions.Logging;
using Raijin.Training;

namespace Raijin;

/// <summary>Carries records from the training thread to the loggers, each on a thread of its own. The training thread never waits, but for files in the run's folder before a checkpoint.</summary>
sealed class LogPump : IDisposable
{
    static readonly TimeSpan DefaultCloseDeadline = TimeSpan.FromSeconds(30);
    static readonly TimeSpan FlushDeadline = TimeSpan.FromSeconds(5);
    // For a logger that was told to give up and has to notice.
    static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    readonly LogLane[] _lanes;
    readonly ILogger _messages;
    readonly TimeProvider _time;
    readonly TimeSpan _closeDeadline;
    readonly CancellationTokenSource _givingUp = new();
    bool _wasLate;

    /// <param name="run">What loggers may show of the run; null for nothing but its folder's name.</param>
    /// <param name="closeDeadline">How long loggers have at the end; null for 30 seconds.</param>
    public LogPump(IEnumerable<RunLogger> loggers, string directory, long fromStep, ILogger messages, RunDescription? run = null, TimeProvider? time = null, TimeSpan? closeDeadline = null)
    {
        _messages = messages;
        _time = time ?? TimeProvider.System;
        _closeDeadline = closeDeadline ?? DefaultCloseDeadline;
        var session = new LogSession(run ?? new RunDescription(Path.GetFileName(directory.TrimEnd('/', '\\'))), messages, _time, _givingUp.Token);
        _lanes = [.. loggers.Select(logger => new LogLane(logger, session, directory, fromStep))];
    }

    /// <summary>How the run ended; told to the loggers when the pump is disposed of.</summary>
    public RunOutcome Outcome { get; set; } = new(RunStatus.Finished, "", new Dictionary<string, double>());

    /// <summary>Whether any logger shows this kind of thing.</summary>
    public bool Accepts(LogKind kind)
    {
        foreach (var lane in _lanes)
            if (lane.Accepts(kind)) return true;
        return false;
    }

    /// <summary>Hands a record to every logger that shows anything of it.</summary>
    public void Post(LogRecord record)
    {
        foreach (var lane in _lanes) lane.Post(record);
    }

    /// <summary>Waits until all posted so far lies in the run's files, so that a checkpoint is never newer than the log of its steps. Servers are not waited for.</summary>
    public void Flush()
    {
        foreach (var lane in _lanes)
            if (lane.IsLocal) lane.Hurry();
        var start = _time.GetTimestamp();
        foreach (var lane in _lanes)
        {
            if (!lane.IsLocal || lane.WaitUntilWritten(FlushDeadline - _time.GetElapsedTime(start)) || _wasLate) continue;
            _wasLate = true;
            _messages.LogWarning("{Logger} did not write its records within {Seconds} s before a checkpoint; a run resumed from it may lack some. Training goes on.", lane.Name, FlushDeadline.TotalSeconds);
        }
    }

    public void Dispose()
    {
        foreach (var lane in _lanes) lane.Complete(Outcome);
        var start = _time.GetTimestamp();
        var late = _lanes.Where(lane => !lane.Join(_closeDeadline - _time.GetElapsedTime(start))).ToArray();
        if (late.Length > 0)
        {
            _givingUp.Cancel();
            var left = late.Where(lane => !lane.Join(LastWords)).ToArray();
            foreach (var lane in late)
                _messages.LogWarning("{Logger} did not finish within {Seconds} s after the run; what it still had to write is lost.", lane.Name, _closeDeadline.TotalSeconds);
            // Their threads still use what they hold.
            foreach (var lane in _lanes.Except(left)) lane.Dispose();
        }
        else
        {
            foreach (var lane in _lanes) lane.Dispose();
        }
        _givingUp.Dispose();
        foreach (var lane in _lanes.Where(lane => lane.Dropped > 0))
            _messages.LogWarning("{Dropped} log records were dropped because {Logger} could not keep up.", lane.Dropped, lane.Name);
    }
}
