using CsCheck;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints;

public sealed class ShardedCheckpointTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_one_world_saved_any_other_loads() => Gen.Select(Layouts.Any, Layouts.Any).Sample((saved, loading) =>
    {
        var path = _folder[Guid.NewGuid().ToString("N")];
        World.Run(saved.Ranks, world =>
        {
            using var scope = NewDisposeScope();
            var info = ShardedCheckpointWriter.Write(path, world.Group, new() { Slices = saved.Slices(world.Rank, saved.Values()) }, new(7));
            Assert.Equal((7, path), (info.Step, info.Path));
        });
        World.Run(loading.Ranks, world =>
        {
            using var scope = NewDisposeScope();
            var values = saved.Values();
            using var checkpoint = ShardedCheckpoint.Open(path, world.Group);
            Assert.Equal(saved.Tensors.Select(t => t.Name), checkpoint.Tensors.Select(t => t.Name));
            // The other world cuts the tensors as the layout that was drawn for it does.
            foreach (var (tensor, like) in saved.Tensors.Zip(loading.Tensors))
            {
                foreach (var held in (like with { Name = tensor.Name, Shape = tensor.Shape, Type = tensor.Type, Dtype = tensor.Dtype }).Held(world.Rank, loading.Ranks))
                {
                    var part = zeros(held.Count, tensor.Type);
                    checkpoint.Read(held.Name, held.Start, part);
                    Same(values[held.Name].view(-1).narrow(0, held.Start, held.Count), part);
                }
                Same(values[tensor.Name], checkpoint.Read(tensor.Name));
            }
            Assert.Empty(checkpoint.Verify());
        });
        Directory.Delete(path, recursive: true);
    }, iter: 60);

    [Fact]
    public void One_rank_writes_the_plain_folder_of_one_rank()
    {
        using var scope = NewDisposeScope();
        using var world = World.Single();
        var weight = arange(6, ScalarType.Float32).view(2, 3);
        var moment = arange(6, ScalarType.Float64).view(2, 3) / 3;
        ShardedCheckpointWriter.Write(_folder["a"], world.Group, new()
        {
            Slices = [LogicalSlice.Whole("model/layer.weight", weight), LogicalSlice.Whole("optimizer/0/layer.weight/exp_avg", moment)],
            State = new() { ["cursor"] = 3 },
        }, new(3));
        Assert.Equal(["manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"], Directory.EnumerateFiles(_folder["a"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using (var model = SafetensorsFile.Open(_folder["a/model.safetensors"])) Same(weight, model.Tensor("layer.weight"));
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        Assert.Equal(["model/layer.weight", "optimizer/0/layer.weight/exp_avg"], checkpoint.Tensors.Select(t => t.Name));
        Assert.Equal((1, 3), (checkpoint.WorldSize, (int)checkpoint.State["cursor"]!));
        Same(moment, checkpoint.Read("optimizer/0/layer.weight/exp_avg"));
        Assert.Empty(checkpoint.Verify());
    }

    [Fact]
    public void Copies_are_written_once_and_all_ranks_write()
    {
        World.Run(4, world =>
        {
            using var scope = NewDisposeScope();
            var weights = Enumerable.Range(0, 8).Select(i => LogicalSlice.Whole($"model/{i}", full(1000, (float)i)));
            ShardedCheckpointWriter.Write(_folder["a"], world.Group, new() { Slices = weights }, new(1));
        });
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        var ranges = checkpoint.Tensors.Select(t => Assert.Single(t.Ranges)).ToList();
        Assert.Equal([2, 2, 2, 2], ranges.GroupBy(r => r.File).Select(g => g.Count()));
        Assert.Equal(4, checkpoint.WorldSize);
    }

    [Fact]
    public void State_is_rank_zeros_and_each_ranks_own_is_kept()
    {
        World.Run(3, world =>
        {
            using var scope = NewDisposeScope();
            ShardedCheckpointWriter.Write(_folder["a"], world.Group, new()
            {
                Slices = [new("model/w", [9], 3 * world.Rank, full(3, (float)world.Rank))],
                State = new() { ["from"] = world.Rank },
                RankState = world.Rank == 1 ? null : new() { ["random"] = 10 * world.Rank },
            }, new(5, 0.5, new Dictionary<string, double> { ["loss"] = 2 }), sequence: 8);
        });
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        Assert.Equal((5, 0.5, 8), (checkpoint.Info.Step, checkpoint.Info.Score, checkpoint.Info.Sequence));
        Assert.Equal(0, (int)checkpoint.State["from"]!);
        Assert.Equal([0, null, 20], Enumerable.Range(0, 3).Select(r => (int?)checkpoint.RankState(r)?["random"]));
        Assert.Null(checkpoint.RankState(3));
    }

    [Fact]
    public void Another_type_is_converted_when_asked_for_and_refused_else()
    {
        using var scope = NewDisposeScope();
        var values = (arange(100, ScalarType.Float32) - 50) / 7;
        World.Run(2, world =>
        {
            using var inner = NewDisposeScope();
            ShardedCheckpointWriter.Write(_folder["a"], world.Group, new() { Slices = [new("model/w", [10, 10], 50 * world.Rank, values.narrow(0, 50 * world.Rank, 50))] }, new(1));
        });
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        foreach (var type in new[] { ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float64 })
        {
            var part = zeros(30, type);
            Assert.Contains("ask for a conversion", Assert.Throws<CheckpointException>(() => checkpoint.Read("model/w", 35, part)).Message, StringComparison.Ordinal);
            checkpoint.Read("model/w", 35, part, convert: true);
            Same(values.narrow(0, 35, 30).to(type), part);
        }
        // Into a parameter that needs a gradient, of another shape.
        var parameter = new TorchSharp.Modules.Parameter(zeros(10, 10));
        checkpoint.Read("model/w", 0, parameter);
        Same(values, parameter.detach().view(-1));
    }

    [Fact]
    public void What_is_not_there_is_said()
    {
        using var scope = NewDisposeScope();
        using var world = World.Single();
        ShardedCheckpointWriter.Write(_folder["a"], world.Group, new() { Slices = [LogicalSlice.Whole("model/w", zeros(4))] }, new(1));
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        Assert.Contains("it holds no tensor \"model/v\"; it holds 1: \"model/w\"", Assert.Throws<CheckpointException>(() => checkpoint.Read("model/v")).Message, StringComparison.Ordinal);
        Assert.Contains("elements 2 to 5 were asked for", Assert.Throws<CheckpointException>(() => checkpoint.Read("model/w", 2, zeros(3))).Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => checkpoint.Read("model/w", -1, zeros(3)));
        Assert.Throws<CheckpointException>(() => checkpoint.Read("model/w", long.MaxValue, zeros(3)));
        Assert.Throws<ShapeMismatchException>(() => checkpoint.Read("model/w", 0, zeros(2, 4).t()[0]));
        checkpoint.Dispose();
        Assert.Throws<ObjectDisposedException>(() => checkpoint.Read("model/w"));
    }

    static void Same(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        Assert.Equal((expected.dtype, string.Join(',', expected.shape)), (actual.dtype, string.Join(',', actual.shape)));
        Assert.True(expected.eq(actual).all().item<bool>());
    }
}
