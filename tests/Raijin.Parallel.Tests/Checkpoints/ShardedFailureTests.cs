using System.Diagnostics;
using Raijin.Collectives;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints;

/// <summary>Saves in which a rank fails, is cancelled, or all are killed: what was there before stays whole.</summary>
public sealed class ShardedFailureTests : IDisposable
{
    const int Kills = 6;

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_disk_that_is_full_for_one_rank_fails_all_and_names_it()
    {
        using var disk = SmallDisk.Mount(_folder["disk"], megabytes: 4);
        var path = _folder["disk/a"];
        var errors = SaveTwice(path, rank => rank == 2 ? 4_000_000 : 10);
        Assert.All(errors, e => Assert.IsType<CheckpointException>(e));
        Assert.Contains("could not be saved", errors[2].Message, StringComparison.Ordinal);
        Assert.Contains("MB free", errors[2].Message, StringComparison.Ordinal);
        Assert.All(errors.SkipLast(1), e => Assert.Contains("rank 2 failed", e.Message, StringComparison.Ordinal));
        OldOneIsWhole(path);
    }

    [Fact]
    public void A_rank_that_throws_fails_all_and_the_group_goes_on()
    {
        var errors = SaveTwice(_folder["a"], _ => 10, values: (rank, n) => rank == 1 ? empty(n, device: META) : full(n, 2f));
        Assert.IsNotType<CheckpointException>(errors[1]);
        Assert.All([errors[0], errors[2]], e => Assert.Contains("rank 1 failed", Assert.IsType<CheckpointException>(e).Message, StringComparison.Ordinal));
        OldOneIsWhole(_folder["a"]);
    }

    [Fact]
    public void A_rank_that_is_cancelled_cancels_all()
    {
        var errors = SaveTwice(_folder["a"], _ => 10, cancelled: 2);
        Assert.All(errors, e => Assert.IsAssignableFrom<OperationCanceledException>(e));
        OldOneIsWhole(_folder["a"]);
    }

    [Fact]
    public void Ranks_that_save_elsewhere_or_give_another_model_are_told()
    {
        var errors = World.Run(2, world => Error(() => Save(world, _folder[world.Rank == 0 ? "a" : "b"], 4, full(4, 1f))));
        Assert.All(errors, e => Assert.Contains("rank 1 saves to", Assert.IsType<CheckpointException>(e).Message, StringComparison.Ordinal));
        errors = World.Run(2, world => Error(() => ShardedCheckpointWriter.Write(_folder["a"], world.Group, new() { Slices = [new("model/w", [4 + world.Rank], 0, Kept(full(4 + world.Rank, 1f)))] }, new(1))));
        Assert.All(errors, e => Assert.Contains("rank 0 has [4] F32, rank 1 has [5] F32", Assert.IsType<CheckpointException>(e).Message, StringComparison.Ordinal));
        foreach (var tensor in _kept) tensor.Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task The_old_checkpoint_survives_every_kill()
    {
        var random = new Random(5);
        var reached = 0L;
        for (var kill = 0; kill < Kills; kill++)
        {
            using var process = Process.Start(new ProcessStartInfo(RankHost, ["save-shards", _folder.Path, "600000", "3"]) { RedirectStandardOutput = true })!;
            for (var line = 0; line < 2; line++)
            {
                using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
                reached = long.Parse((await process.StandardOutput.ReadLineAsync(deadline.Token))!, null);
            }
            Assert.False(process.WaitForExit(random.Next(40)));
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);

            var steps = new[] { "even", "odd" }.Select(CheckWhole).ToArray();
            Assert.True(steps.Max() >= reached, $"step {reached} was reported saved, the newest one is {steps.Max()}");
            Assert.Equal(1, Math.Abs(steps[0] - steps[1]));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_old_checkpoint_survives_the_death_of_one_rank_and_the_others_end(int victim)
    {
        var ranks = Enumerable.Range(0, 3).Select(Join).ToList();
        try
        {
            var reached = 0L;
            for (var line = 0; line < 3; line++)
            {
                using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
                reached = long.Parse(await ranks[0].StandardOutput.ReadLineAsync(deadline.Token) ?? throw new InvalidOperationException(await ranks[0].StandardError.ReadToEndAsync(deadline.Token)), null);
            }
            Assert.False(ranks[victim].WaitForExit(7 * victim));
            ranks[victim].Kill();
            Assert.All(ranks, rank => Assert.True(rank.WaitForExit(TimeSpan.FromSeconds(40)), "a rank waits for the dead one"));
            Assert.All(ranks, rank => Assert.NotEqual(0, rank.ExitCode));
            Assert.True(new[] { "even", "odd" }.Select(CheckWhole).Max() >= reached);
            // Rank 0 removes what was begun, if it lives.
            if (victim != 0) Assert.Equal(["even", "odd"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
        finally
        {
            foreach (var rank in ranks)
            {
                rank.Kill();
                rank.WaitForExit();
                rank.Dispose();
            }
        }
    }

    Process Join(int rank) => Process.Start(new ProcessStartInfo(RankHost, ["save-shards", _folder.Path, "600000"])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment =
        {
            ["RANK"] = $"{rank}", ["LOCAL_RANK"] = $"{rank}", ["WORLD_SIZE"] = "3", ["LOCAL_WORLD_SIZE"] = "3", ["MASTER_ADDR"] = "127.0.0.1", ["MASTER_PORT"] = $"{20_000 + (uint)_folder.Path.GetHashCode(StringComparison.Ordinal) % 20_000}", ["OMP_NUM_THREADS"] = "1",
        },
    })!;

    long CheckWhole(string name)
    {
        using var scope = NewDisposeScope();
        using var checkpoint = ShardedCheckpoint.Open(_folder[name]);
        var step = checkpoint.Info.Step;
        Assert.Equal(3, checkpoint.WorldSize);
        Assert.All(Enumerable.Range(0, 3), rank => Assert.Equal(step, (long)checkpoint.RankState(rank)!["step"]!));
        Assert.Equal(step, (long)checkpoint.State["step"]!);
        foreach (var tensor in checkpoint.Tensors)
        {
            var values = checkpoint.Read(tensor.Name);
            Assert.Equal((step, step), ((long)values.min().item<float>(), (long)values.max().item<float>()));
        }
        return step;
    }

    static string RankHost
    {
        get
        {
            var mine = new DirectoryInfo(AppContext.BaseDirectory);
            return Path.Combine(mine.Parent!.Parent!.FullName, "Raijin.RankHost", mine.Name, OperatingSystem.IsWindows() ? "Raijin.RankHost.exe" : "Raijin.RankHost");
        }
    }

    /// <summary>A save of three ranks that succeeds, and one that does not, in one world. Gives what each rank threw.</summary>
    static Exception[] SaveTwice(string path, Func<int, long> elements, Func<int, long, Tensor>? values = null, int cancelled = -1) => World.Run(3, world =>
    {
        using var scope = NewDisposeScope();
        Save(world, path, 10, full(10, 1f));
        using var source = new CancellationTokenSource();
        if (world.Rank == cancelled) source.Cancel();
        var mine = elements(world.Rank);
        var error = Error(() => Save(world, path, mine, values?.Invoke(world.Rank, mine) ?? full(mine, 2f), source.Token));
        world.Group.Barrier();
        return error;
    });

    static void Save(World world, string path, long elements, Tensor values, CancellationToken cancellationToken = default)
    {
        using (values)
            ShardedCheckpointWriter.Write(path, world.Group, new() { Slices = [new($"model/{world.Rank}", [elements], 0, values)] }, new((long)1), cancellationToken: cancellationToken);
    }

    static Exception Error(Action action) => Record.Exception(action) ?? throw new InvalidOperationException("It succeeded.");

    readonly System.Collections.Concurrent.ConcurrentBag<Tensor> _kept = [];

    Tensor Kept(Tensor tensor)
    {
        _kept.Add(tensor);
        return tensor;
    }

    static void OldOneIsWhole(string path)
    {
        Assert.Equal([path], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(path)!));
        using var scope = NewDisposeScope();
        using var checkpoint = ShardedCheckpoint.Open(path);
        Assert.All(checkpoint.Tensors, t => Assert.True(checkpoint.Read(t.Name).eq(1).all().item<bool>()));
        Assert.Equal(3, checkpoint.Tensors.Count);
    }
}
