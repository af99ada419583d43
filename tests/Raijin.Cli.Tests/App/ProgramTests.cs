using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

/// <summary>The built program as its users start it.</summary>
public sealed class ProgramTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_finishes_the_step_saves_and_exits_with_its_code(string signal, int exitCode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill");
        var run = _folder["run"];
        using var program = Start("fit", "digits", "--output", run, "--trainer.maxSteps", "10000000", "--trainer.log", "10 steps", "--json");
        var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await Appearance(Path.Combine(run, "checkpoints"));

        using (var kill = Process.Start("kill", [$"-{signal}", program.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(exitCode, program.ExitCode);
        Assert.Contains("raijin fit digits --resume run", await errors, StringComparison.Ordinal);
        var json = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        Assert.Equal(exitCode, json.GetProperty("exitCode").GetInt32());
        var steps = json.GetProperty("steps").GetInt64();
        Assert.EndsWith(steps.ToString("D8", CultureInfo.InvariantCulture), json.GetProperty("lastCheckpoint").GetString(), StringComparison.Ordinal);

        using var resumed = Start("fit", "digits", "--resume", run, "--trainer.maxSteps", (steps + 5).ToString(CultureInfo.InvariantCulture), "--json");
        var silent = resumed.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var rest = await resumed.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.True(JsonDocument.Parse(rest.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("stepsHere").GetInt64() == 5, await silent);
    }

    [Fact]
    public async Task Resuming_where_nothing_is_starts_afresh_and_says_so()
    {
        foreach (var args in new string[][] { ["--resume"], ["--resume", "absent"] })
        {
            using var program = Start(["fit", "digits", .. args, "--trainer.maxSteps", "3", "--json"]);
            var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            Assert.Contains("tarting afresh", await errors, StringComparison.Ordinal);
            Assert.Equal(3, JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("stepsHere").GetInt64());
        }
    }

    [Fact]
    public async Task Two_ranks_train_with_nothing_but_a_flag_and_one_evaluates_what_they_saved()
    {
        Assert.SkipUnless(Raijin.Tensors.ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        var run = _folder["ranks"];
        using var program = Start("fit", "digits", "--devices", "2", "--strategy", "zero3", "--trainer.collectiveDeadline", "60s", "--output", run, "--trainer.maxSteps", "20", "--json");
        var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(program.ExitCode == 0, await errors);
        var json = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        Assert.Equal(20, json.GetProperty("steps").GetInt64());
        Assert.Equal(Path.GetFullPath(run), json.GetProperty("logDirectory").GetString());

        // The run's own configuration says two ranks.
        using var evaluation = Start("validate", "digits", "--checkpoint", json.GetProperty("lastCheckpoint").GetString()!, "--devices", "1", "--strategy", "none", "--json");
        var evaluationErrors = evaluation.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var evaluated = await evaluation.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await evaluation.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(evaluation.ExitCode == 0, await evaluationErrors);
        var metrics = JsonDocument.Parse(evaluated.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("metrics");
        Assert.Equal(json.GetProperty("metrics").GetProperty("val/accuracy").GetDouble(), metrics.GetProperty("val/accuracy").GetDouble(), 1e-12);
    }

    [Fact]
    public async Task Exit_codes_reach_the_shell()
    {
        foreach (var (expected, args) in new (int, string[])[] { (0, ["--version"]), (2, ["fit", "digits", "--nonsense"]), (1, ["doctor", "--output", "/proc/self/runs"]) })
        {
            if (expected == 1 && !Directory.Exists("/proc/self")) continue;
            using var program = Start(args);
            var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await program.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(program.ExitCode == expected, await errors);
        }
    }

    Process Start(params string[] args) => Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "raijin"), args)
    {
        WorkingDirectory = _folder.Path,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    // The first checkpoint's folder says that training is under way.
    static async Task Appearance(string folder)
    {
        using var timeout = new CancellationTokenSource(Deadline);
        while (!Directory.Exists(folder) || !Directory.EnumerateDirectories(folder, "step-*").Any()) await Task.Delay(20, timeout.Token);
    }
}
