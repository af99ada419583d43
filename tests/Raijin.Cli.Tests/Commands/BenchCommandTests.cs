using System.Diagnostics;
using System.Text.Json;
using Raijin.App;
using Raijin.Collectives;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class BenchCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("help-bench.txt", "bench", "--help")]
    [InlineData("help-bench-comm.txt", "bench", "comm", "--help")]
    [InlineData("help-bench-disk.txt", "bench", "disk", "--help")]
    public void Help_names_what_is_measured_and_the_options(string golden, params string[] args) => Golden.Match(Call.Run(args).Out, golden);

    [Fact]
    public void Every_call_is_timed_at_every_size_and_drawn()
    {
        var png = _folder["a/comm.png"];
        var call = Call.Run("bench", "comm", "--transport", "inProcess", "--ranks", "3", "--max", "5KiB", "--calls", "2", "--png", png, "--json");
        Assert.True(call.ExitCode == 0, call.Error);
        Assert.Contains("3 ranks over InProcess", call.Error, StringComparison.Ordinal);
        var json = JsonDocument.Parse(call.Out).RootElement;
        Assert.Equal(("inProcess", 3, png), (json.GetProperty("transport").GetString(), json.GetProperty("ranks").GetInt32(), json.GetProperty("png").GetString()));
        var timings = json.GetProperty("timings").EnumerateArray().ToList();
        // What three ranks divide evenly of 1 KiB and 4 KiB.
        string[] expected = [.. CommOperation.All.SelectMany(o => o.Kind == CollectiveKind.Barrier ? ["barrier 0"] : (string[])[$"{o.Name} 1020", $"{o.Name} 4092"])];
        Assert.Equal(expected, timings.Select(t => FormattableString.Invariant($"{t.GetProperty("op").GetString()} {t.GetProperty("bytes").GetInt64()}")));
        Assert.All(timings, t =>
        {
            var (bytes, seconds, algorithm, bus) = (t.GetProperty("bytes").GetInt64(), t.GetProperty("seconds").GetDouble(), t.GetProperty("algorithmBytesPerSecond").GetDouble(), t.GetProperty("busBytesPerSecond").GetDouble());
            Assert.True(seconds > 0);
            Assert.Equal(2, t.GetProperty("calls").GetInt32());
            // Of calls in which all wait for all, somebody came last.
            Assert.Equal(t.GetProperty("op").GetString() is "allReduce" or "reduceScatter" or "allGather" or "allToAll" or "barrier", t.TryGetProperty("straggler", out var straggler));
            if (straggler.ValueKind == JsonValueKind.Object) Assert.Equal((2, true), (straggler.GetProperty("calls").GetInt32(), straggler.GetProperty("rank").GetInt32() is >= 0 and < 3));
            if (bytes == 0) return;
            Assert.Equal(bytes, algorithm * seconds, 1e-3 * bytes);
            var kind = CommOperation.All.Single(o => o.Name == t.GetProperty("op").GetString()).Kind;
            Assert.Equal(BusBandwidth.Factor(kind, 3), bus / algorithm, 1e-9);
        });
        AssertPicture(png);
    }

    [Fact]
    public void A_barrier_alone_has_nothing_to_draw()
    {
        var json = JsonDocument.Parse(Call.Run("bench", "comm", "--transport", "inProcess", "--ranks", "2", "--op", "Barrier", "--calls", "1", "--json").Out).RootElement;
        Assert.Equal(JsonValueKind.Null, json.GetProperty("png").ValueKind);
        Assert.Single(json.GetProperty("timings").EnumerateArray());
    }

    [Fact]
    public async Task It_starts_ranks_of_its_own_of_which_the_first_speaks()
    {
        Assert.SkipUnless(Raijin.Tensors.ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        using var program = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "raijin"), ["bench", "comm", "--ranks", "2", "--op", "allReduce", "--max", "4KiB", "--calls", "5", "--json"])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var ended = deadline.Token.Register(() => program.Kill(entireProcessTree: true));
        var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(program.ExitCode == 0, await errors);
        var json = JsonDocument.Parse(Assert.Single(output.TrimEnd().Split('\n'))).RootElement;
        Assert.Equal(("sharedMemory", 2), (json.GetProperty("transport").GetString(), json.GetProperty("ranks").GetInt32()));
        Assert.Equal([1024, 4096], json.GetProperty("timings").EnumerateArray().Select(t => t.GetProperty("bytes").GetInt64()));
        AssertPicture(_folder["bench-comm.png"]);
        Assert.Equal(["bench-comm.png"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("--op = allReduced   allowed: allReduce, reduceScatter, allGather, broadcast, reduce, gather, scatter, allToAll, sendReceive, barrier", "comm", "--op", "allReduced")]
    [InlineData("--max = 12   expected a number and a unit (GiB, MiB, KiB, TB, GB, MB, kB), such as 64MiB; allowed: 1KiB and more", "comm", "--max", "12")]
    [InlineData("--ranks = 0   allowed: 1 to 4096", "comm", "--ranks", "0")]
    [InlineData("--calls = 0   allowed: 1 and more", "comm", "--calls", "0")]
    [InlineData("--transport = tcp   allowed: auto, inProcess, sharedMemory, mpi, nccl", "comm", "--transport", "tcp")]
    [InlineData("--transport   Mpi needs ranks that an MPI launcher started: mpirun -np 2 <program>, or srun --mpi=pmix.", "comm", "--transport", "mpi", "--ranks", "2")]
    [InlineData("--size = 1MiB   expected a number and a unit (GiB, MiB, KiB, TB, GB, MB, kB), such as 4GiB; allowed: 4MiB and more", "disk", "--size", "1MiB")]
    [InlineData("--block = 5kB   expected a number and a unit (GiB, MiB, KiB, TB, GB, MB, kB), such as 4MiB; allowed: multiples of 4KiB, up to the file's size and 1GiB", "disk", "--block", "5kB")]
    [InlineData("--block = 8MiB   expected a number and a unit (GiB, MiB, KiB, TB, GB, MB, kB), such as 4MiB; allowed: multiples of 4KiB, up to the file's size and 1GiB", "disk", "--block", "8MiB", "--size", "4MiB")]
    [InlineData("--depth = 300   allowed: 1 to 256", "disk", "--depth", "300")]
    [InlineData("--depth = many   expected a whole number", "disk", "--depth", "many")]
    public void What_is_wrong_is_exit_code_2_and_says_what_would_be_right(string expected, params string[] args)
    {
        var call = Call.Run(["bench", .. args]);
        Assert.Equal((2, "", $"1 problem in the options:\n  {expected}\n"), (call.ExitCode, call.Out, call.Error));
    }

    [Fact]
    public void More_than_there_is_memory_for_is_refused_before_a_rank_is_started()
    {
        var call = Call.Run("bench", "comm", "--ranks", "2", "--max", "64TB");
        Assert.Equal(2, call.ExitCode);
        Assert.Contains("2 ranks need 256000.0 GB for it, and ", call.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_is_timed_by_block_and_depth_and_leaves_nothing_but_the_picture()
    {
        var call = Call.Run("bench", "disk", "--folder", _folder["scratch"], "--size", "4MiB", "--block", "1MiB", "--block", "64KiB", "--depth", "3", "--depth", "1", "--png", _folder["disk.png"], "--json");
        Assert.True(call.ExitCode == 0, call.Error);
        var json = JsonDocument.Parse(call.Out).RootElement;
        Assert.Equal([(65536, 1), (65536, 3), (1 << 20, 1), (1 << 20, 3)], json.GetProperty("timings").EnumerateArray().Select(t => (t.GetProperty("blockBytes").GetInt32(), t.GetProperty("depth").GetInt32())));
        Assert.All(json.GetProperty("timings").EnumerateArray(), t => Assert.True(t.GetProperty("writeBytesPerSecond").GetDouble() > 0 && t.GetProperty("readBytesPerSecond").GetDouble() > 0));
        var best = json.GetProperty("best");
        Assert.Equal(1 << 20, best.GetProperty("blockBytes").GetInt32());
        Assert.Contains(FormattableString.Invariant($"--trainer.strategy.offloadOptimizer \"disk:{_folder["scratch"]}\" --trainer.strategy.offloadThreads {best.GetProperty("depth").GetInt32()}\n"), call.Error, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"OffloadOptimizer = Tier.Disk(\"{_folder["scratch"]}\"), OffloadThreads = {best.GetProperty("depth").GetInt32()}"), call.Error, StringComparison.Ordinal);
        AssertPicture(_folder["disk.png"]);
        Assert.Equal(["disk.png"], Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Select(Path.GetFileName));
    }

    [Fact]
    public void The_least_depth_that_is_nearly_the_fastest_is_best_at_the_size_nearest_to_the_tiers()
    {
        DiskTiming[] timings =
        [
            new(1 << 20, 1, 9e9, 9e9),
            new(4 << 20, 8, 1.00e9, 2.00e9),
            new(4 << 20, 2, 0.98e9, 1.97e9),
            new(4 << 20, 1, 0.50e9, 3.00e9),
        ];
        Assert.Equal(timings[2], BenchDiskCommand.Best(timings));
        Assert.Equal(timings[0], BenchDiskCommand.Best(timings[..1]));
        Assert.Equal(4.0 / 3, timings[1].RoundTrip / 1e9, 1e-12);
    }

    static void AssertPicture(string png) => Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(png)[..4]);
}
