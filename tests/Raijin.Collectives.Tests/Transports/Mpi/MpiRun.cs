using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Raijin.Collectives.Tests.Transports.Mpi;

/// <summary>Ranks of Raijin.RankHost under an MPI launcher. Whatever happens, none outlives this object.</summary>
sealed class MpiRun : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    readonly Process _launcher;
    readonly StringBuilder _output = new();
    readonly StringBuilder _errors = new();

    MpiRun(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment)
    {
        // One thread each: the ranks share the cores.
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["OMP_NUM_THREADS"] = "1" } };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        _launcher = Process.Start(start)!;
        _launcher.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _launcher.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _launcher.BeginOutputReadLine();
        _launcher.BeginErrorReadLine();

        static void Append(StringBuilder text, string? line)
        {
            if (line is null) return;
            lock (text) text.Append(line).Append('\n');
        }
    }

    /// <summary>What the ranks wrote to standard output so far.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    public string Errors
    {
        get { lock (_errors) return _errors.ToString(); }
    }

    /// <summary>The program of the ranks, in its own output folder next to the one of the running tests.</summary>
    public static string Program
    {
        get
        {
            var mine = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
            return Path.Combine(mine.Parent!.Parent!.FullName, "Raijin.RankHost", mine.Name, "Raijin.RankHost");
        }
    }

    /// <summary>Skips the test where there is no Open MPI.</summary>
    public static void Require() => Assert.SkipUnless(Answers("mpirun", "--version", "Open MPI"), "needs Open MPI: apt-get install openmpi-bin libopenmpi-dev");

    /// <summary>Whether a program is there, and says what is expected.</summary>
    public static bool Answers(string program, string argument, string expected)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, [argument]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var answer = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return answer.Contains(expected, StringComparison.Ordinal);
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Starts <paramref name="size"/> ranks on this host.</summary>
    public static MpiRun Start(int size, params string[] scenario) => new(["mpirun", .. Mpirun(size), Program, .. scenario], null);

    /// <summary>What mpirun is told in tests.</summary>
    public static string[] Mpirun(int size) => ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", $"{size}"];

    /// <summary>Runs ranks to their end; the test fails with everything they wrote unless all give exit code 0.</summary>
    public static string Complete(int size, params string[] scenario) => Complete(["mpirun", .. Mpirun(size), Program, .. scenario]);

    /// <summary>Runs a launcher's command line to its end, as above.</summary>
    public static string Complete(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var run = new MpiRun(command, environment);
        var code = run.Wait(Deadline);
        Assert.True(code == 0, $"{string.Join(' ', command)} ended with {code?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "nothing before the deadline"}:\n{run.Output}{run.Errors}");
        return run.Output;
    }

    /// <summary>Waits for the launcher's end.</summary>
    /// <returns>Its exit code; null when the time is over first.</returns>
    public int? Wait(TimeSpan atMost)
    {
        if (!_launcher.WaitForExit(atMost)) return null;
        // Without a time limit this waits for the end of the output too.
        _launcher.WaitForExit();
        return _launcher.ExitCode;
    }

    public void Dispose()
    {
        if (!_launcher.HasExited) _launcher.Kill(entireProcessTree: true);
        _launcher.WaitForExit();
        _launcher.Dispose();
    }
}
