using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints;

/// <summary>Checkpoints that all ranks write while they do something else.</summary>
public sealed class PendingShardedCheckpointTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    static ShardedContent Content(World world, Tensor own, Tensor shared) => new()
    {
        Slices = [new($"model/of {world.Rank}", own.shape, 0, own), new("model/shared", shared.shape, 0, shared)],
        State = new() { ["step"] = 7 },
        RankState = new() { ["rank"] = world.Rank },
    };

    static ShardedSaveOptions InBackground(TensorSnapshot memory) => new(Memory: memory);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void It_holds_what_was_there_when_it_was_begun_and_says_the_same_as_one_written_at_once(int ranks)
    {
        World.Run(ranks, world =>
        {
            using var memory = new TensorSnapshot();
            using var own = full(1000 + world.Rank, world.Rank + 1f);
            using var shared = arange(600_000, ScalarType.Float32);
            ShardedCheckpointWriter.Write(_folder["at once"], world.Group, Content(world, own, shared), new(7));
            using var save = ShardedCheckpointWriter.Begin(_folder["begun"], world.Group, Content(world, own, shared), new(7), InBackground(memory));
            own.fill_(-1);
            shared.fill_(-1);
            Assert.Null(save.Info);
            // Nobody sees it before it is whole.
            Assert.False(Directory.Exists(_folder["begun"]));
            var stages = 0;
            for (var done = false; !done; stages++)
            {
                while (save.IsBusy) Thread.Yield();
                done = save.Advance();
            }
            Assert.Equal(2, stages);
            Assert.Equal(7, save.Info!.Step);
        }, new GroupOptions { Deadline = TimeSpan.FromSeconds(30), CheckCalls = true });

        using var scope = NewDisposeScope();
        using var atOnce = ShardedCheckpoint.Open(_folder["at once"]);
        using var begun = ShardedCheckpoint.Open(_folder["begun"]);
        Assert.Equal(atOnce.Tensors.Select(t => (t.Name, t.Dtype)), begun.Tensors.Select(t => (t.Name, t.Dtype)));
        Assert.All(atOnce.Tensors, t => Assert.True(begun.Read(t.Name).equal(atOnce.Read(t.Name)).all().item<bool>(), t.Name));
        Assert.Equal(atOnce.State.ToJsonString(), begun.State.ToJsonString());
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(_folder.Path).Count());
    }

    [Fact]
    public void A_disk_that_is_full_for_one_rank_fails_all_later_and_the_group_goes_on()
    {
        using var disk = SmallDisk.Mount(_folder["disk"], megabytes: 4);
        var path = _folder["disk/a"];
        World.Run(3, world =>
        {
            using var memory = new TensorSnapshot();
            using var own = ones(world.Rank == 2 ? 4_000_000 : 10);
            using var shared = ones(10);
            using (var save = ShardedCheckpointWriter.Begin(path, world.Group, Content(world, own, shared), new(1), InBackground(memory)))
            {
                var error = Assert.Throws<CheckpointException>(() => save.Wait());
                Assert.Contains(world.Rank == 2 ? "MB free" : "rank 2 failed", error.Message, StringComparison.Ordinal);
            }
            world.Group.Barrier();
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["disk"]));
            world.Group.Barrier();
            using var small = ShardedCheckpointWriter.Begin(path, world.Group, Content(world, shared, shared), new(2), InBackground(memory));
            Assert.Equal(2, small.Wait().Step);
        }, new GroupOptions { Deadline = TimeSpan.FromSeconds(30) });
    }

    [Fact]
    public void One_that_is_let_go_leaves_nothing() => World.Run(2, world =>
    {
        using var memory = new TensorSnapshot();
        using var own = ones(10);
        ShardedCheckpointWriter.Begin(_folder["a"], world.Group, Content(world, own, own), new(1), InBackground(memory)).Dispose();
        world.Group.Barrier();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    });
}
