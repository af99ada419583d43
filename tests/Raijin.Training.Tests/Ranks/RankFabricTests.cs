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
    [InlineData(0, "float32")]
    [InlineData(2, "bfloat16")]
    [InlineData(3, "float32")]
    [InlineData(3, "bfloat16")]
    public void A_model_of_the_meta_device_trains_as_one_that_was_made_with_the_same_values(int stage, string precision)
    {
        var options = new FabricOptions { Strategy = RankFit.Stage(stage) with { UnitBytes = 1 }, Device = DeviceChoice.Cpu, Precision = precision == "float32" ? Precision.Float32 : Precision.BFloat16 };
        var results = World.Run(2, world =>
        {
            set_num_threads(1);
            using var fabric = Fabric.Launch(options with { World = world });
            using var made = Net(CPU);
            using (no_grad())
                foreach (var (name, parameter) in made.named_parameters()) Fill(name, parameter);
            using var hollow = Net(META);
            return (Trained(fabric, fabric.Setup(made), world.Rank), Trained(fabric, fabric.Setup(hollow, Fill), world.Rank));
        }, RankFit.Options);
        Assert.All(results, result => Assert.Equal(result.Item1, result.Item2));

        static TorchSharp.Modules.Sequential Net(Device device) => Sequential(("first", Linear(4, 8, device: device)), ("act", GELU()), ("second", Linear(8, 3, device: device)));

        // Exact in both types, so that masters are what the weights are.
        static void Fill(string name, Tensor parameter)
        {
            using var scope = NewDisposeScope();
            parameter.copy_((arange(parameter.numel()) % 7 - 3 + name.Length).view(parameter.shape) / 64);
        }

        static float[] Trained(Fabric fabric, TorchSharp.Modules.Sequential model, int rank)
        {
            var optimizer = fabric.SetupOptimizers(Optimizers.AdamW(model, 1e-2))[0];
            for (var i = 0; i < 3; i++)
            {
                using var step = fabric.Step();
                var inputs = (arange(8).view(2, 4) + rank + i).div(8).to(fabric.Precision.Compute);
                fabric.Backward(model.call(inputs).to(ScalarType.Float32).square().mean());
                optimizer.Step();
            }
            using var reads = NewDisposeScope();
            var state = fabric.Sharded(model)!.StateDict();
            float[] values = [.. state.OrderBy(t => t.Key, StringComparer.Ordinal).SelectMany(t => t.Value.to(ScalarType.Float32).data<float>().ToArray())];
            foreach (var tensor in state.Values) tensor.Dispose();
            return values;
        }
    }

    [Fact]
    public void A_model_of_the_meta_device_needs_ranks_or_a_strategy()
    {
        using var fabric = Fabric.Launch(new FabricOptions { Device = DeviceChoice.Cpu });
        using var model = Linear(2, 1, device: META);
        Assert.Contains("give a strategy", Assert.Throws<InvalidOperationException>(() => fabric.Setup(model, (_, parameter) => parameter.zero_())).Message, StringComparison.Ordinal);
    }

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
