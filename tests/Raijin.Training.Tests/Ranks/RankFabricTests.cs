using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Ranks;

/// <summary>A loop of one's own on several ranks.</summary>
public sealed class RankFabricTests
{
    static Fabric Launch(World world, int stage = 0) => Fabric.Launch(new FabricOptions { World = world, Strategy = RankFit.Stage(stage), Device = DeviceChoice.Cpu });

    [Fact]
    public void Values_meet() => World.Run(3, world =>
    {
        using var fabric = Launch(world);
        Assert.Equal(world.Rank, fabric.Rank);
        Assert.Equal(3, fabric.WorldSize);
        Assert.Equal(world.Rank == 0, fabric.IsRankZero);
        using var value = tensor((float)world.Rank);
        Assert.Equal(1.0, fabric.Mean(value));
        Assert.Equal(6.0, fabric.Sum(world.Rank + 1));
        using var buffer = ones(4) * world.Rank;
        fabric.AllReduce(buffer, ReduceOp.Max);
        Assert.Equal([2f, 2f, 2f, 2f], buffer.data<float>().ToArray());
        fabric.Barrier();
    }, RankFit.Options);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Gradients_meet_once_where_passes_are_held_back(int stage) => World.Run(2, world =>
    {
        using var fabric = Launch(world, stage);
        using var model = Linear(2, 1, hasBias: false);
        var (set, optimizer) = fabric.Setup<Module<Tensor, Tensor>>(model, m => Optimizers.Sgd(m, 1.0));
        float[] before;
        using (fabric.Gather(set)) before = model.weight.data<float>().ToArray();
        using (fabric.Step())
        {
            // d loss / d w is the input: rank r's passes have r + 1 and 10 (r + 1).
            using (fabric.NoSync()) fabric.Backward(set.call(full([1, 2], world.Rank + 1f)).sum());
            fabric.Backward(set.call(full([1, 2], 10f * (world.Rank + 1))).sum());
            Assert.Equal(Math.Sqrt(2) * 16.5, optimizer.MeasureGradients(), 1e-5);
            optimizer.Step();
        }
        using (fabric.Gather(set)) Assert.Equal([before[0] - 16.5f, before[1] - 16.5f], model.weight.data<float>().ToArray());
        fabric.MakeWhole();
        Assert.Equal([before[0] - 16.5f, before[1] - 16.5f], model.weight.data<float>().ToArray());
        Assert.True(model.weight.requires_grad);
    }, RankFit.Options);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 3)]
    [InlineData(2, 1)]
    public void What_ranks_saved_is_loaded_by_any_number_of_them(int stage, int ranks)
    {
        using var folder = new TemporaryFolder();
        var saved = World.Run(2, world =>
        {
            using var fabric = Launch(world, stage);
            using var model = Linear(3, 3);
            var (set, optimizer) = fabric.Setup<Module<Tensor, Tensor>>(model, m => Optimizers.AdamW(m, 0.1));
            for (var step = 0; step < 3; step++) Train(fabric, set, optimizer, step);
            fabric.Save(folder["state"], set, new JsonObject { ["place"] = 3 });
            Train(fabric, set, optimizer, 3);
            fabric.MakeWhole();
            return model.weight.data<float>().ToArray();
        }, RankFit.Options)[0];

        World.Run(ranks, world =>
        {
            using var fabric = Launch(world, ranks == 1 ? 0 : stage);
            using var model = Linear(3, 3);
            var (set, optimizer) = fabric.Setup<Module<Tensor, Tensor>>(model, m => Optimizers.AdamW(m, 0.1));
            Assert.Equal(3, (int)fabric.Load(folder["state"], set)!["place"]!);
            Train(fabric, set, optimizer, 3);
            fabric.MakeWhole();
            Assert.Equal(saved, model.weight.data<float>().ToArray());
        }, RankFit.Options);
    }

    // The same gradient on every rank, so that any number of them has the same mean.
    static void Train(Fabric fabric, Module<Tensor, Tensor> model, RunOptimizer optimizer, int step)
    {
        using (fabric.Step())
        {
            fabric.Backward(model.call(full([2, 3], 0.5f + step)).square().sum());
            optimizer.Step();
        }
    }
}
