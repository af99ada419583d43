using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>Training that is saved by some ranks in some stage and goes on with other ranks in another.</summary>
public sealed class CheckpointRoundTripTests
{
    [Theory]
    [InlineData(0, 2, 3, 2)]
    [InlineData(3, 2, 1, 3)]
    [InlineData(2, 3, 0, 1)]
    [InlineData(0, 1, 3, 4)]
    [InlineData(1, 4, 2, 2)]
    public void Any_stage_and_world_size_goes_on_where_any_other_stopped(int stage, int ranks, int nextStage, int nextRanks)
    {
        using var folder = new TemporaryFolder();
        var path = folder["saved"];
        var saved = World.Run(ranks, world =>
        {
            var (model, sharded, optimizer) = Start(world, stage, seed: 1);
            using (model) using (sharded) using (optimizer)
            {
                for (var step = 0; step < 3; step++) Step(model, sharded, optimizer, step);
                using var scope = TensorScope.Open();
                var state = optimizer.CaptureState();
                ShardedCheckpointWriter.Write(path, world.Group, new ShardedContent { Slices = sharded.ModelSlices().Concat(sharded.OptimizerSlices(optimizer, 0, state)), State = new JsonObject() }, new CheckpointFacts(3));
                return (state.Scalars, Weights: Everything(sharded, optimizer));
            }
        }, Rig.Options)[0];

        World.Run(nextRanks, world =>
        {
            var (model, sharded, optimizer) = Start(world, nextStage, seed: 2);
            using (model) using (sharded) using (optimizer)
            {
                using var checkpoint = ShardedCheckpoint.Open(path, world.Group);
                sharded.LoadModel(checkpoint);
                sharded.LoadOptimizer(checkpoint, optimizer, 0, saved.Scalars);
                Assert.Equal(3, optimizer.Updates);
                var loaded = Everything(sharded, optimizer);
                foreach (var (name, values) in saved.Weights) Assert.Equal(values, loaded[name]);
                // And it trains on.
                Step(model, sharded, optimizer, 3);
                Assert.Equal(4, optimizer.Updates);
            }
        }, Rig.Options);
    }

    static (Module<Tensor, Tensor> Model, ShardedModel Sharded, IParameterUpdater Optimizer) Start(World world, int stage, int seed)
    {
        set_num_threads(1);
        var model = Rig.Net();
        using (no_grad())
        {
            var value = 0.01f * seed;
            foreach (var (_, parameter) in model.named_parameters()) parameter.fill_(value *= 1.3f);
        }
        var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
        return (model, sharded, sharded.CreateOptimizer(new Tensors.AdamW(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2)]));
    }

    static void Step(Module<Tensor, Tensor> model, ShardedModel sharded, IParameterUpdater optimizer, int step)
    {
        using (TensorScope.Open())
        {
            Backward.Run(functional.mse_loss(model.call(linspace(-1, 1, 24).view(2, 12) * (step + 1)), ones(2, 5)));
            sharded.FinishBackward();
        }
        optimizer.Step();
        optimizer.ClearGradients();
    }

    /// <summary>Weights and optimizer state, whole, through a checkpoint's own merging: what each rank holds is written and read back elsewhere; here parameters are enough, with their moments of this rank.</summary>
    static Dictionary<string, float[]> Everything(ShardedModel sharded, IParameterUpdater optimizer)
    {
        var all = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, parameter) in sharded.Module.named_parameters())
        {
            using var value = sharded.FullParameter(name);
            all[name] = value.data<float>().ToArray();
            foreach (var slot in new[] { "exp_avg", "exp_avg_sq" })
            {
                using var state = sharded.FullState(optimizer, name, slot);
                all[$"{name}/{slot}"] = state!.data<float>().ToArray();
            }
        }
        return all;
    }
}
