using System.Diagnostics;
using System.Globalization;

namespace Raijin.App;

/// <summary>One trial in a process of its own, so that whatever ends it (no memory, a crash) ends only the trial.</summary>
sealed class TrialProcess : IDisposable
{
    readonly Process _process;
    readonly Stopwatch _clock = Stopwatch.StartNew();
    readonly string _reportFile;
    string _lastError = "";

    /// <summary>Starts <c>fit</c> with a trial's values.</summary>
    /// <param name="trial">What is tried.</param>
    /// <param name="command">The program and the arguments up to the trial's own.</param>
    /// <param name="folder">The trial's run; one that is there is gone on with.</param>
    /// <param name="threads">Threads for libtorch; null for all.</param>
    public TrialProcess(Trial trial, IReadOnlyList<string> command, string folder, int? threads)
    {
        Trial = trial;
        Folder = folder;
        _reportFile = Path.Combine(folder, "reports.jsonl");
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in command.Skip(1)) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(Directory.Exists(folder) ? "--resume" : "--output");
        start.ArgumentList.Add(folder);
        start.ArgumentList.Add(TrialReports.Option);
        start.ArgumentList.Add(_reportFile);
        foreach (var (key, value) in trial.Values) start.ArgumentList.Add($"--{key}={value}");
        if (threads is { } count) start.Environment.TryAdd("OMP_NUM_THREADS", count.ToString(CultureInfo.InvariantCulture));
        _process = Process.Start(start)!;
        _process.StandardInput.Close();
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data)) _lastError = line.Data.Trim();
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What is tried.</summary>
    public Trial Trial { get; }

    /// <summary>The trial's run.</summary>
    public string Folder { get; }

    /// <summary>Scores taken from its reports so far.</summary>
    public List<double> Scores { get; } = [];

    /// <summary>How long it has run here.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Whether a signal ended it, saved: it can be gone on with.</summary>
    public bool WasInterrupted => _process.ExitCode is 130 or 143;

    /// <summary>What it failed of; null when it did not.</summary>
    public string? Problem
    {
        get
        {
            _process.WaitForExit(); // the last lines too
            return _process.ExitCode == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"exit code {_process.ExitCode}{(_lastError.Length > 0 ? ": " : "")}{_lastError}");
        }
    }

    /// <summary>The values of a metric it has reported since the last call; NaN where a report lacks it.</summary>
    public IEnumerable<double> NewScores(string metric) =>
        TrialReports.Read(_reportFile).Skip(Scores.Count).Select(report => report.Metrics.GetValueOrDefault(metric, double.NaN)).ToList();

    /// <summary>Waits for its end.</summary>
    /// <returns>Whether it came within the time.</returns>
    public bool Wait(TimeSpan time) => _process.WaitForExit(time);

    /// <summary>Ends it and what it started, at once. Its checkpoints are whole at any moment.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Ends it if it still runs.</summary>
    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }
}
