using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

/// <summary>Fits and launches that lose a rank, or a host, and go on with fewer.</summary>
public sealed class ElasticCommandTests : IDisposable
{
    const string Elastic = """{ "elasticity": { "enabled": true, "max_train_batch_size": 48, "micro_batch_sizes": [8, 16], "max_gpus": 8, "version": 0.1 } }""";

    readonly TemporaryFolder _folder = new();

    public ElasticCommandTests() => File.WriteAllText(_folder["ds_config.json"], Elastic);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_fit_that_loses_a_rank_goes_on_with_the_next_number_its_file_allows()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a rank is found in /proc");
        using var program = Process.Start(Starting("fit", "digits", "--deepspeed", "ds_config.json", "--devices", "3", "--max-restarts", "2", "--trainer.maxEpochs", "1000", "--trainer.maxSteps", "2000",
            "--trainer.validate", "never", "--checkpoint.save", "20 steps", "--checkpoint.monitor", "null"))!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        using var ended = deadline.Token.Register(() => program.Kill(entireProcessTree: true));
        var (errors, output) = (program.StandardError.ReadToEndAsync(), program.StandardOutput.ReadToEndAsync());
        var checkpoints = _folder["runs/digits/1/checkpoints"];
        try
        {
            int? id = null;
            while ((id ??= IdOfRank(program.Id, 1)) is null || !Directory.Exists(checkpoints) || !Directory.EnumerateDirectories(checkpoints, "*-000*").Any())
            {
                Assert.False(program.HasExited, "it ended before a rank could be killed");
                await Task.Delay(5, deadline.Token);
            }
            using var rank = Process.GetProcessById(id!.Value);
            rank.Kill();
        }
        catch
        {
            program.Kill(entireProcessTree: true);
            throw;
        }
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        var (said, printed) = (await errors, await output);

        Assert.True(program.ExitCode == 0, said + printed);
        Assert.Contains("raijin: the place of rank 1 is lost (it was killed), 2 of 3 are left: 2 ranks go on (restart 1 of at most 2)\n", said, StringComparison.Ordinal);
        // What the file comes to is said for each start.
        Assert.Contains("ds_config.json at 3 ranks: batch 48 = 16 × 1 × 3", printed, StringComparison.Ordinal);
        Assert.Contains("ds_config.json at 2 ranks: batch 48 = ", printed, StringComparison.Ordinal);
        using var card = JsonDocument.Parse(File.ReadAllText(_folder["runs/digits/1/run.json"]));
        Assert.Equal(("finished", 2000), (card.RootElement.GetProperty("status").GetString(), card.RootElement.GetProperty("steps").GetInt32()));
        Assert.Single(Directory.EnumerateDirectories(_folder["runs/digits"]));
    }

    [Fact]
    public async Task A_host_that_does_not_answer_is_left_out()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a script takes mpirun's place");
        Directory.CreateDirectory(_folder["bin"]);
        File.WriteAllText(_folder["bin/mpirun"], $"""
            #!/bin/sh
            case "$*" in
              *"--host worker-1:1 "*true) exit 1 ;;
              *true) exit 0 ;;
            esac
            echo "$RAIJIN_RESTART $*" >> {_folder["calls"]}
            [ "$RAIJIN_RESTART" = 1 ] || exit 9
            """.Replace("\r", "", StringComparison.Ordinal) + "\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_folder["bin/mpirun"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(_folder["hosts"], "worker-0 slots=3\nworker-1 slots=3\n");
        var start = Starting("launch", "--hostfile", "hosts", "--no-bind", "--max-restarts", "2", "--elastic", "ds_config.json", "--json", "train", "--lr", "1e-3");
        start.Environment["PATH"] = _folder["bin"] + ":" + start.Environment["PATH"];
        using var program = Process.Start(start)!;
        var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(program.ExitCode == 0, await errors);
        Assert.Contains("raijin: mpirun ended with exit code 9; worker-1 does not answer, 3 of 6 slots are left: 3 ranks go on (restart 1 of at most 2)\n", await errors, StringComparison.Ordinal);
        var calls = File.ReadAllLines(_folder["calls"]);
        Assert.Equal(2, calls.Length);
        Assert.StartsWith("0 --map-by slot --bind-to none --host worker-0:3,worker-1:3 -np 6 ", calls[0], StringComparison.Ordinal);
        Assert.StartsWith("1 --map-by slot --bind-to none --host worker-0:3 -np 3 ", calls[1], StringComparison.Ordinal);
        using var json = JsonDocument.Parse(output);
        Assert.Equal((3, 1), (json.RootElement.GetProperty("ranks").GetInt32(), json.RootElement.GetProperty("restarts").GetInt32()));
    }

    [Fact]
    public void A_dry_run_shows_what_is_run_without_each_kind_of_host()
    {
        File.WriteAllText(_folder["hosts"], "worker-0 slots=4\nworker-1 slots=4\nworker-2 slots=1\n");
        var call = Call.Run("launch", "--hostfile", _folder["hosts"], "--no-bind", "--dry-run", "--ranks", "8", "--max-restarts", "1", "--min-ranks", "5", "train");
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        var lines = call.Out.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("mpirun --map-by slot --bind-to none --host worker-0:4,worker-1:4 -np 8 ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("without worker-0: mpirun --map-by slot --bind-to none --host worker-1:4,worker-2:1 -np 5 ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("without worker-2: mpirun --map-by slot --bind-to none --host worker-0:4,worker-1:4 -np 8 ", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_on_this_host_shows_the_numbers_of_ranks()
    {
        var call = Call.Run("launch", "--ranks", "3", "--no-bind", "--dry-run", "--max-restarts", "1", "--elastic", _folder["ds_config.json"], "train");
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Assert.EndsWith("  restarts   with 1, 2, 3 ranks, as places are left\n", call.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--elastic   says how many ranks a restart has, and none is asked for: give --max-restarts", "--ranks", "2", "--elastic", "FILE")]
    [InlineData("--min-ranks = 3   allowed: 1 to 2, the ranks of the first start", "--ranks", "2", "--max-restarts", "1", "--min-ranks", "3")]
    [InlineData("--elastic = PLAIN   has no elastic batch: switch elasticity.enabled on, or give --min-ranks", "--ranks", "2", "--max-restarts", "1", "--elastic", "PLAIN")]
    [InlineData("--srun   asks Slurm for hosts, which knows those that are lost: leave out --elastic and --min-ranks", "--srun", "--max-restarts", "1", "--ranks", "2", "--min-ranks", "1")]
    [InlineData("elasticity.enabled   allows 1, 2, 3, 6 ranks for its batch of 48, but 5 are there (FILE line 1, column 19)", "--ranks", "5", "--max-restarts", "1", "--elastic", "FILE")]
    public void What_cannot_be_elastic_is_refused(string expected, params string[] args)
    {
        File.WriteAllText(_folder["plain.json"], """{ "train_batch_size": 8 }""");
        string Named(string text) => text.Replace("FILE", _folder["ds_config.json"], StringComparison.Ordinal).Replace("PLAIN", _folder["plain.json"], StringComparison.Ordinal);
        var call = Call.Run(["launch", .. args.Select(Named), "train"]);
        Assert.Equal((2, $"1 problem in the options:\n  {Named(expected)}\n"), (call.ExitCode, call.Error));
    }

    ProcessStartInfo Starting(params string[] args) => new(Path.Combine(AppContext.BaseDirectory, "raijin"), args)
    {
        WorkingDirectory = _folder.Path,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    // Null while there is none.
    static int? IdOfRank(int parent, int rank)
    {
        var wanted = string.Create(CultureInfo.InvariantCulture, $"RAIJIN_RANK={rank}");
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out var id)) continue;
            try
            {
                // After the program's name, which may have blanks: state, parent.
                var stat = File.ReadAllText($"{process}/stat");
                if (int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) == parent && File.ReadAllText($"{process}/environ").Split('\0').Contains(wanted)) return id;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It has just ended, or is another user's.
            }
        }
        return null;
    }
}
