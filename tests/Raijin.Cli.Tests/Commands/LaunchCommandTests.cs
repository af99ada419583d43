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
    [InlineData("--heartbeat   belongs to ranks on this host; those on several are watched by who starts them", "--srun", "--heartbeat", "5", "train")]
    [InlineData("--bind-cores   belongs to ranks on this host; those on several are watched by who starts them", "--srun", "--bind-cores", "0", "train")]
    [InlineData("--bind-cores = 0-   expected numbers of CPUs and ranges of them, such as 0-7,16", "--ranks", "1", "--bind-cores", "0-", "train")]
    [InlineData("--bind-cores = 1-9999   expected numbers of CPUs and ranges of them, such as 0-7,16", "--ranks", "1", "--bind-cores", "1-9999", "train")]
    [InlineData("--no-bind   lets ranks run on all cores: leave it or --bind-cores out", "--ranks", "1", "--bind-cores", "0", "--no-bind", "train")]
    [InlineData("--include   chooses among several hosts: give --hostfile or --srun", "--ranks", "1", "--include", "a", "train")]
    [InlineData("--num-ranks   says how many ranks each of several hosts has: give --ranks on this one", "--ranks", "1", "--num-ranks", "2", "train")]
    [InlineData("--exclude = a:1   Slurm chooses the slots of a host: give hosts only, such as node-0@node-1", "--srun", "--exclude", "a:1", "train")]
    [InlineData("--num-nodes = 0   allowed: 1 and more", "--srun", "--num-nodes", "0", "train")]
    [InlineData("--rank   unknown option; did you mean --ranks?", "--ranks", "2", "--rank", "train")]
    public void A_wrong_launch_is_refused_with_what_would_be_right(string expected, params string[] args)
    {
        var call = Call.Run(["launch", .. args]);
        Assert.Equal((2, ""), (call.ExitCode, call.Out));
        Assert.Equal($"1 problem in the options:\n  {expected}\n", call.Error);
    }

    [Theory]
    [InlineData("--include = worker-9   worker-9 is not in the hostfile, which has worker-0, worker-1", "--include", "worker-9")]
    [InlineData("--exclude = worker-0:4   worker-0 has slots 0 to 3, not 4", "--exclude", "worker-0:4")]
    [InlineData("--num-nodes = 3   allowed: 1 to 2, the hosts that are left", "--num-nodes", "3")]
    [InlineData("--num-ranks = 5   allowed: 1 to 4, the slots of a host", "--num-ranks", "5")]
    [InlineData("--ranks = 7   allowed: 1 to 6, the slots that are left", "--num-nodes", "2", "--ranks", "7")]
    public void Hosts_that_are_not_there_are_refused(string expected, params string[] args)
    {
        File.WriteAllText(_folder["hosts"], "worker-0 slots=4\nworker-1 slots=2\n");
        var call = Call.Run(["launch", "--hostfile", _folder["hosts"], .. args, "train"]);
        Assert.Equal((2, $"1 problem in the options:\n  {expected}\n"), (call.ExitCode, call.Error));
    }

    [Theory]
    [InlineData("mpirun --map-by slot --bind-to none --host worker-0:4,worker-1:2 -np 6 ", "--num-nodes", "2")]
    [InlineData("mpirun --map-by slot --bind-to none --host worker-0:2,worker-1:2 -np 4 ", "--num-ranks", "2")]
    [InlineData("mpirun --output-filename logs --map-by slot --bind-to none --host worker-1:2 -np 2 ", "--include", "worker-1", "--log-folder", "logs")]
    [InlineData("mpirun --map-by slot --bind-to none --host worker-0:2 -np 2 -x CUDA_VISIBLE_DEVICES=1,3 train --lr 1e-3 : --host worker-1:1 -np 1 -x CUDA_VISIBLE_DEVICES=0 ", "--exclude", "worker-0:0,2@worker-1:1")]
    [InlineData("srun --mpi=pmix --kill-on-bad-exit=1 --cpu-bind=none --ntasks=8 --nodes=2 --ntasks-per-node=4 --nodelist=a,b --output=logs/rank-%t.log ", "--srun", "--ranks", "8", "--num-nodes", "2", "--num-ranks", "4", "--include", "a@b", "--log-folder", "logs")]
    public void A_dry_run_prints_the_very_command(string expected, params string[] args)
    {
        File.WriteAllText(_folder["hosts"], "worker-0 slots=4 # all alike\nworker-1 slots=2\n");
        string[] hosts = args[0] == "--srun" ? [] : ["--hostfile", _folder["hosts"]];
        var call = Call.Run(["launch", .. hosts, "--no-bind", "--dry-run", .. args, "train", "--lr", "1e-3"]);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        // Without the variables that this process happens to have.
        var line = string.Join(' ', call.Out.TrimEnd().Split(' ').Aggregate(new List<string>(), (kept, word) =>
        {
            if (kept is [.., "-x"] && !word.StartsWith("CUDA_", StringComparison.Ordinal)) kept.RemoveAt(kept.Count - 1);
            else kept.Add(word);
            return kept;
        }));
        Assert.Equal(expected + "train --lr 1e-3", line);
    }

    [Fact]
    public void A_dry_run_on_this_host_shows_the_CPUs_of_each_rank()
    {
        Assert.SkipUnless(Raijin.Tensors.CpuAffinity.IsSupported, "ranks are bound on Linux");
        var cpu = Raijin.Tensors.CpuAffinity.OfThread()[0];
        var call = Call.Run("launch", "--ranks", "1", "--bind-cores", FormattableString.Invariant($"{cpu}"), "--dry-run", "train", "a b");
        Assert.Equal((0, FormattableString.Invariant($"train 'a b'\n  rank 0   CPUs {cpu}   1 thread\n")), (call.ExitCode, call.Out));
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
