using System.Diagnostics;
using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class LaunchCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Help_names_the_program_and_the_options() => Golden.Match(Call.Run("launch", "--help").Out, "help-launch.txt");

    [Theory]
    [InlineData("--ranks   is missing: how many ranks on this host?", "train")]
    [InlineData("--ranks = 0   allowed: 1 to 4096", "--ranks", "0", "train")]
    [InlineData("--ranks = 100000   allowed: 1 to 4096", "--ranks", "100000", "train")]
    [InlineData("--ranks = 99999999999   expected a whole number", "--ranks", "99999999999", "train")]
    [InlineData("COMMAND   is missing", "--ranks", "2")]
    [InlineData("COMMAND = ./absent   does not exist", "--ranks", "2", "./absent")]
    [InlineData("COMMAND = absent.dll   does not exist", "--ranks", "2", "absent.dll", "--epochs", "3")]
    [InlineData("--max-restarts = -1   allowed: 0 and more", "--ranks=2", "--max-restarts", "-1", "train")]
    [InlineData("--heartbeat = 0.2   allowed: 0 for never, or 1 to 1,000,000 seconds", "--ranks", "2", "--heartbeat", "0.2", "train")]
    [InlineData("--heartbeat = 1e300   allowed: 0 for never, or 1 to 1,000,000 seconds", "--ranks", "2", "--heartbeat", "1e300", "train")]
    [InlineData("--hostfile = absent   does not exist", "--hostfile", "absent", "train")]
    [InlineData("--hostfile = /dev/null   names no host: write one a line, such as node-0 slots=4", "--hostfile", "/dev/null", "train")]
    [InlineData("--hostfile = /   is a folder: give a file of hosts", "--hostfile", "/", "train")]
    [InlineData("--log-folder   belongs to ranks on this host; those on several are watched by who starts them", "--srun", "--log-folder", "x", "train")]
    [InlineData("--rank   unknown option; did you mean --ranks?", "--ranks", "2", "--rank", "train")]
    public void A_wrong_launch_is_refused_with_what_would_be_right(string expected, params string[] args)
    {
        var call = Call.Run(["launch", .. args]);
        Assert.Equal((2, ""), (call.ExitCode, call.Out));
        Assert.Equal($"1 problem in the options:\n  {expected}\n", call.Error);
    }

    [Fact]
    public async Task Ranks_run_the_program_with_all_that_follows_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the ranks are shells");
        var (exitCode, output, errors) = await Launch("launch", "--ranks", "2", "--log-folder", _folder["logs"], "--json", "sh", "-c", "echo rank $RAIJIN_RANK: $*", "--json", "--help", "--", "-x 1");
        Assert.True(exitCode == 0, errors);
        Assert.StartsWith("rank 0: --help -- -x 1\n", output, StringComparison.Ordinal);
        Assert.Equal("rank 1: --help -- -x 1\n", File.ReadAllText(Path.Combine(_folder["logs"], "rank-1.log")));
        var json = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        Assert.Equal(("launch", 0, 2), (json.GetProperty("command").GetString(), json.GetProperty("exitCode").GetInt32(), json.GetProperty("ranks").GetInt32()));
    }

    [Fact]
    public async Task A_failing_rank_gives_its_exit_code_and_says_why()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the ranks are shells");
        var (exitCode, output, errors) = await Launch("launch", "--ranks", "2", "--max-restarts", "1", "--log-folder", _folder["logs"], "sh", "-c", "[ $RAIJIN_RANK = 0 ] && sleep 60; echo no disk left; exit 5");
        Assert.Equal((5, ""), (exitCode, output));
        var lines = errors.Split('\n');
        Assert.StartsWith("raijin: rank 1 of 2 failed after ", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(": exit code 5", lines[0], StringComparison.Ordinal);
        Assert.Equal("  no disk left", lines[2]);
        Assert.Single(lines, line => line == "raijin: all ranks are started again (1 of at most 1)");
    }

    [Fact]
    public async Task Several_hosts_are_reached_by_mpirun_whose_command_line_is_shown()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/mpirun"), "Open MPI's mpirun is not installed");
        File.WriteAllText(_folder["hosts"], "localhost slots=2\n");
        var (exitCode, output, errors) = await Launch("launch", "--hostfile", _folder["hosts"], "--no-bind", "--ranks", "2", "--json", "sh", "-c", "echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE");
        Assert.True(exitCode == 0, errors);
        var lines = output.TrimEnd().Split('\n');
        Assert.Equal(["0 of 2", "1 of 2"], lines[..^1].Order());
        var json = JsonDocument.Parse(lines[^1]).RootElement;
        Assert.Equal((0, 2, "mpirun"), (json.GetProperty("exitCode").GetInt32(), json.GetProperty("ranks").GetInt32(), json.GetProperty("started")[0].GetString()));
        Assert.StartsWith($"mpirun --hostfile {_folder["hosts"]} -np 2 --map-by slot --bind-to none ", errors, StringComparison.Ordinal);
        Assert.Contains(" sh -c 'echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE'\n", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_mpirun_has_started_does_not_outlive_a_launch_that_is_killed()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/mpirun"), "Open MPI's mpirun is not installed");
        File.WriteAllText(_folder["hosts"], "localhost slots=2\n");
        using var program = Process.Start(Starting("launch", "--hostfile", _folder["hosts"], "--no-bind", "sh", "-c", $"echo $$ > {_folder["id"]}.$OMPI_COMM_WORLD_RANK; exec sleep 600"))!;
        string[] files = [_folder["id.0"], _folder["id.1"]];
        await Until(() => files.All(file => File.Exists(file) && new FileInfo(file).Length > 0), "the ranks' start");
        program.Kill();
        string[] ids = [.. files.Select(file => File.ReadAllText(file).Trim())];
        await Until(() => ids.All(id => !File.Exists($"/proc/{id}/stat") || File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal)), "the ranks' end");

        static async Task Until(Func<bool> holds, string what)
        {
            var started = Stopwatch.GetTimestamp();
            while (!holds())
            {
                Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30), $"not within 30 s: {what}");
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        }
    }

    ProcessStartInfo Starting(params string[] args) => new(Path.Combine(AppContext.BaseDirectory, "raijin"), args)
    {
        WorkingDirectory = _folder.Path,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        // mpirun wants it said twice where its user may do everything.
        Environment = { ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1" },
    };

    async Task<(int ExitCode, string Output, string Errors)> Launch(params string[] args)
    {
        using var program = Process.Start(Starting(args))!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var ended = deadline.Token.Register(() => program.Kill(entireProcessTree: true));
        var errors = program.StandardError.ReadToEndAsync();
        var output = await program.StandardOutput.ReadToEndAsync();
        await program.WaitForExitAsync();
        Assert.False(deadline.IsCancellationRequested, "not within 60 s: " + await errors);
        return (program.ExitCode, output, await errors);
    }
}
