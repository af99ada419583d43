using System.Diagnostics;
using System.Text;
using Xunit;

namespace Raijin.Testing;

/// <summary>How one rank ended.</summary>
/// <param name="Rank">Its number.</param>
/// <param name="ExitCode">Its exit code; 128 + the signal's number where a signal ended it.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Errors">What it wrote to standard error.</param>
/// <param name="WasLate">Whether it met the deadline and was ended.</param>
public sealed record RankOutcome(int Rank, int ExitCode, string Output, string Errors, bool WasLate)
{
    /// <summary>Everything, for the message of a failed test.</summary>
    public override string ToString() => $"rank {Rank}: exit code {ExitCode}{(WasLate ? ", ended at the deadline" : "")}\n{Output}{Errors}".TrimEnd();
}

/// <summary>
/// Ranks of a test as processes: each runs one scenario of Raijin.RankHost. Whatever happens, none outlives this object: they are ended by their ids.
/// </summary>
/// <remarks>The test project references Raijin.RankHost with <c>ReferenceOutputAssembly="false"</c>, so that it is built.</remarks>
public sealed class RankProcesses : IDisposable
{
    readonly List<Process> _processes = [];
    readonly List<StringBuilder> _output = [];
    readonly List<StringBuilder> _errors = [];

    RankProcesses()
    {
    }

    /// <summary>How many there are.</summary>
    public int Count => _processes.Count;

    /// <summary>The process id of a rank.</summary>
    public int IdOf(int rank) => _processes[rank].Id;

    /// <summary>Starts <paramref name="size"/> processes.</summary>
    /// <param name="size">How many.</param>
    /// <param name="scenario">Its name in Raijin.RankHost's Scenarios.</param>
    /// <param name="arguments">What the scenario gets, by rank.</param>
    /// <param name="environment">Variables for all of them.</param>
    public static RankProcesses Start(int size, string scenario, Func<int, IReadOnlyList<string>> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var ranks = new RankProcesses();
        for (var rank = 0; rank < size; rank++)
        {
            // One thread each: the ranks share the cores.
            var start = new ProcessStartInfo(Program(), [scenario, .. arguments(rank)]) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["OMP_NUM_THREADS"] = "1" } };
            foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
            ranks.Add(start);
        }
        return ranks;
    }

    /// <summary>Runs <paramref name="size"/> processes to their end; the test fails with everything they wrote unless all give exit code 0 within the deadline.</summary>
    public static IReadOnlyList<RankOutcome> Run(int size, string scenario, Func<int, IReadOnlyList<string>> arguments, TimeSpan deadline, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var ranks = Start(size, scenario, arguments, environment);
        var outcomes = ranks.WaitAll(deadline);
        Assert.True(outcomes.All(o => o.ExitCode == 0 && !o.WasLate), $"{scenario} on {size} ranks:\n{string.Join("\n\n", outcomes)}");
        return outcomes;
    }

    /// <summary>Ends a rank as <c>kill -9</c> does.</summary>
    public void Kill(int rank) => _processes[rank].Kill();

    /// <summary>What a rank wrote to standard output so far.</summary>
    public string OutputOf(int rank)
    {
        lock (_output[rank]) return _output[rank].ToString();
    }

    /// <summary>Waits until each has ended; those that have not by the deadline are ended.</summary>
    public IReadOnlyList<RankOutcome> WaitAll(TimeSpan deadline)
    {
        var started = Stopwatch.GetTimestamp();
        var late = new bool[Count];
        for (var rank = 0; rank < Count; rank++)
        {
            var left = deadline - Stopwatch.GetElapsedTime(started);
            late[rank] = !_processes[rank].WaitForExit(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
        EndAll();
        return [.. Enumerable.Range(0, Count).Select(r => new RankOutcome(r, _processes[r].ExitCode, _output[r].ToString(), _errors[r].ToString(), late[r]))];
    }

    /// <summary>Ends those that still live.</summary>
    public void Dispose()
    {
        EndAll();
        foreach (var process in _processes) process.Dispose();
    }

    void EndAll()
    {
        foreach (var process in _processes)
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        // Without a time limit this waits for the end of the output too.
        foreach (var process in _processes) process.WaitForExit();
    }

    void Add(ProcessStartInfo start)
    {
        var (output, errors) = (new StringBuilder(), new StringBuilder());
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
        _output.Add(output);
        _errors.Add(errors);

        static void Append(StringBuilder text, string? line)
        {
            if (line is null) return;
            lock (text) text.Append(line).Append('\n');
        }
    }

    /// <summary>Raijin.RankHost in its own output folder, next to the one of the running tests.</summary>
    public static string Program()
    {
        var mine = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(mine.Parent!.Parent!.FullName, "Raijin.RankHost", mine.Name, OperatingSystem.IsWindows() ? "Raijin.RankHost.exe" : "Raijin.RankHost");
    }
}
