using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Parallel.Tests.Tiers;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Engine;

public sealed class OffloadTests
{
    [Theory]
    [InlineData(0, 2, 1.0)]
    [InlineData(1, 2, 1.0)]
    [InlineData(2, 2, 0.5)]
    [InlineData(3, 3, 1.0)]
    public void Optimizer_state_on_a_disk_gives_the_bits_of_stage_0_in_memory(int stage, int ranks, double ratio)
    {
        using var folder = new TemporaryFolder();
        Rig.AssertSame(Rig.Train(ranks, Zero.Stage0, 5), Rig.Train(ranks, new Strategy { Stage = stage, OffloadOptimizer = Tier.Disk(folder["state"]), OffloadRatio = ratio }, 5));
        Assert.False(Directory.Exists(folder["state"]));
    }

    [Theory]
    [InlineData("device", 1.0, ScalarType.Float32)]
    [InlineData("host", 1.0, ScalarType.BFloat16)]
    [InlineData("disk", 1.0, ScalarType.Float32)]
    [InlineData("disk", 1.0, ScalarType.BFloat16)]
    [InlineData("disk", 0.4, ScalarType.BFloat16)]
    public void Parameters_on_a_disk_give_the_bits_of_stage_0_in_memory(string optimizer, double ratio, ScalarType dtype)
    {
        using var folder = new TemporaryFolder();
        var strategy = Zero.Stage3 with
        {
            OffloadParameters = Tier.Disk(folder["parameters"]),
            OffloadOptimizer = optimizer == "disk" ? Tier.Disk(folder["state"]) : Tier.Parse(optimizer, null),
            OffloadRatio = ratio,
        };
        foreach (var ranks in new[] { 2, 3 })
            Rig.AssertSame(Rig.Train(ranks, Zero.Stage0, 5, dtype: dtype), Rig.Train(ranks, strategy, 5, dtype: dtype));
        // Each microbatch is reduced by itself from stage 2 on: sums of another order than stage 0's.
        Rig.AssertSame(Rig.Train(2, Zero.Stage3, 4, dtype: dtype, accumulate: 2), Rig.Train(2, strategy, 4, dtype: dtype, accumulate: 2));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Units_gathered_ahead_come_from_the_disk_too(int ahead)
    {
        using var folder = new TemporaryFolder();
        Rig.AssertSame(Rig.Train(2, Zero.Stage3, 5), Rig.Train(2, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder.Path), PrefetchUnits = ahead }, 5));
    }

    [Fact]
    public void Hybrid_sharding_second_shards_and_coded_weights_read_their_shards_from_the_disk()
    {
        using var folder = new TemporaryFolder();
        foreach (var strategy in new[] { Zero.Stage3 with { ShardSize = 2 }, Zero.Stage3 with { ShardSize = 1 }, Zero.Stage3 with { SecondaryShardSize = 2 }, Zero.Stage3 with { WeightCodec = WeightCodec.Int8 } })
            Rig.AssertSame(Rig.Train(4, strategy, 5), Rig.Train(4, strategy with { OffloadParameters = Tier.Disk(folder.Path), OffloadOptimizer = Tier.Disk(folder.Path) }, 5));
    }

    [Fact]
    public void One_rank_alone_trains_from_the_disk()
    {
        using var folder = new TemporaryFolder();
        Rig.AssertSame(Rig.Train(1, Zero.Stage3, 5), Rig.Train(1, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder.Path), OffloadOptimizer = Tier.Disk(folder.Path) }, 5));
    }

    [Fact]
    public void Weights_to_evaluate_come_and_go()
    {
        using var folder = new TemporaryFolder();
        var memory = Evaluate(Zero.Stage3);
        Assert.Equal(memory, Evaluate(Zero.Stage3 with { OffloadParameters = Tier.Disk(folder.Path), OffloadOptimizer = Tier.Disk(folder.Path) }));
        Assert.NotEqual(memory[0], memory[1]);

        static float[][] Evaluate(Strategy strategy) => World.Run(2, world =>
        {
            var (model, sharded, optimizer) = Start(world, strategy, new ScheduleFreeAdamW());
            using (model) using (sharded) using (optimizer)
            {
                for (var step = 0; step < 3; step++) Step(model, sharded, optimizer, step);
                var trained = Value(sharded, "second.weight");
                optimizer.UseEvaluationWeights();
                var evaluated = Value(sharded, "second.weight");
                optimizer.UseTrainingWeights();
                Assert.Equal(trained, Value(sharded, "second.weight"));
                return new[] { trained, evaluated };
            }
        }, Rig.Options)[0];
    }

    [Fact]
    public void A_checkpoint_goes_from_disk_to_memory_and_back()
    {
        using var folder = new TemporaryFolder();
        var onDisk = Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["tier"]), OffloadOptimizer = Tier.Disk(folder["tier"]), UnitBytes = 1 };
        var memory = Zero.Stage3 with { UnitBytes = 1 };
        var first = Save(onDisk, null, folder["first"]);
        var second = Save(memory, folder["first"], folder["second"]);
        Assert.Equal(first.Weights, second.Loaded);
        var third = Save(onDisk, folder["second"], folder["third"]);
        Assert.Equal(second.Weights, third.Loaded);
        Assert.NotEqual(third.Loaded, third.Weights);

        (float[] Loaded, float[] Weights) Save(Strategy strategy, string? from, string to) => World.Run(2, world =>
        {
            var (model, sharded, optimizer) = Start(world, strategy, new AdamW());
            using (model) using (sharded) using (optimizer)
            {
                if (from is not null)
                {
                    using var checkpoint = ShardedCheckpoint.Open(from, world.Group);
                    sharded.LoadModel(checkpoint);
                    sharded.LoadOptimizer(checkpoint, optimizer, 0, s_scalars!);
                }
                var loaded = Value(sharded, "second.weight");
                for (var step = 0; step < 2; step++) Step(model, sharded, optimizer, step);
                using var scope = TensorScope.Open();
                var state = optimizer.CaptureState();
                if (world.Rank == 0) s_scalars = state.Scalars;
                ShardedCheckpointWriter.Write(to, world.Group, new ShardedContent { Slices = sharded.ModelSlices().Concat(sharded.OptimizerSlices(optimizer, 0, state)), State = new JsonObject() }, new CheckpointFacts(2));
                return (loaded, Value(sharded, "second.weight"));
            }
        }, Rig.Options)[0];
    }

    static OptimizerScalars? s_scalars;

    [Fact]
    public void What_a_rank_holds_can_be_looked_at_and_restored()
    {
        using var folder = new TemporaryFolder();
        World.Run(3, world =>
        {
            var (model, sharded, optimizer) = Start(world, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["tier"]), UnitBytes = 1 }, new AdamW());
            using (model) using (sharded) using (optimizer)
            {
                Step(model, sharded, optimizer, 0);
                var values = Value(sharded, "second.weight");
                if (sharded.LocalParameter("second.weight") is { } part)
                    using (part.Values) Assert.Equal(values.Skip((int)part.Start).Take((int)part.Values.NumberOfElements), part.Values.data<float>().ToArray());
                using (sharded.Gather()) Assert.Equal(values, model.get_parameter("second.weight")!.data<float>().ToArray());
                sharded.Restore();
                Assert.Equal(values, model.get_parameter("second.weight")!.data<float>().ToArray());
            }
        }, Rig.Options);
    }

    // 12 blocks of 200 KiB; three of a rank's halves are in memory at once.
    [Fact]
    public void A_model_larger_than_its_memory_trains_from_the_disk()
    {
        using var folder = new TemporaryFolder();
        var (memory, disk) = (Train(Zero.Stage3), Train(Zero.Stage3 with { OffloadParameters = Tier.Disk(folder.Path), OffloadOptimizer = Tier.Disk(folder.Path) }));
        Assert.Equal(memory.Loss, disk.Loss);
        var (whole, held) = (memory.Ledger, disk.Ledger);
        // What was in memory is in files, to the page: two moments of a tensor end on one each.
        var pages = 2 * ScratchFile.Alignment * (2 + 2 + (12 * Large.Layers));
        foreach (var kind in new[] { BufferKind.Parameters, BufferKind.OptimizerState })
        {
            Assert.InRange(held.HeldOnDisk(kind) + held.Held(kind), whole.Held(kind), whole.Held(kind) + pages);
            Assert.InRange(held.Held(kind), 0, whole.Held(kind) / 20);
            Assert.Equal(0, whole.HeldOnDisk(kind));
        }
        Assert.InRange(held.Held(BufferKind.Staging), 1, (whole.Held(BufferKind.Parameters) + whole.Held(BufferKind.OptimizerState)) / 3);
        Assert.Equal(held.Held(BufferKind.Staging), held.Peak(BufferKind.Staging));
        Assert.Equal(0, whole.Peak(BufferKind.Staging));
        Assert.Equal(whole.Volume, held.Volume);

        static (float Loss, Ledger Ledger) Train(Strategy strategy)
        {
            Seed.Everything(3);
            using var first = new Gpt(Large);
            using var second = new Gpt(Large);
            return World.Run(2, world => Live(world, world.Rank == 0 ? first : second, strategy), Rig.Options)[0];
        }

        static (float Loss, Ledger Ledger) Live(World world, Gpt model, Strategy strategy)
        {
            set_num_threads(1);
            using var sharded = new ShardedModel(model, strategy, world.Group);
            using var optimizer = sharded.CreateOptimizer(new AdamW(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-3)]);
            var last = 0f;
            for (var step = 0; step < 3; step++)
            {
                using var scope = TensorScope.Open();
                var tokens = (arange(16, ScalarType.Int64) + world.Rank + step).remainder(16).view(1, 16);
                var loss = model.Loss(tokens, tokens);
                Backward.Run(loss);
                sharded.FinishBackward();
                optimizer.Step();
                optimizer.ClearGradients();
                last = loss.item<float>();
            }
            return (last, sharded.Ledger.Snapshot());
        }
    }

    static GptOptions Large => new() { Vocabulary = 16, Context = 16, Layers = 12, Heads = 2, Width = 64, Dropout = 0 };

    [Fact]
    public void A_disk_that_fails_ends_the_pass_with_its_name()
    {
        using var folder = new TemporaryFolder();
        World.Run(1, world =>
        {
            var (model, sharded, optimizer) = Start(world, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["tier"]), UnitBytes = 1 }, new AdamW());
            using (model) using (sharded) using (optimizer)
            {
                Step(model, sharded, optimizer, 0);
                OpenFiles.CutShort(folder["tier"], 0);
                var error = Assert.Throws<IOException>(() =>
                {
                    for (var step = 0; step < 3; step++) Step(model, sharded, optimizer, step);
                });
                Assert.Contains(folder["tier"], error.Message, StringComparison.Ordinal);
            }
        }, Rig.Options);
    }

    [Fact]
    public void A_disk_without_the_space_is_known_before_the_model_is_divided()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        World.Run(1, world =>
        {
            using var model = Rig.Net();
            Assert.Throws<IOException>(() => new ShardedModel(model, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["file"]), UnitBytes = 1 }, world.Group));
            Assert.Equal(24 * 24, model.get_parameter("second.weight")!.data<float>().ToArray().Length);
        }, Rig.Options);
    }

    static readonly Lock Drawing = new();

    static (nn.Module<Tensor, Tensor> Model, ShardedModel Sharded, IParameterUpdater Optimizer) Start(World world, Strategy strategy, OptimizerAlgorithm algorithm)
    {
        set_num_threads(1);
        nn.Module<Tensor, Tensor> model;
        // The default generator is the process's.
        lock (Drawing)
        {
            Seed.Everything(11);
            model = Rig.Net();
        }
        var sharded = new ShardedModel(model, strategy with { UnitBytes = 1 }, world.Group);
        return (model, sharded, sharded.CreateOptimizer(algorithm, [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2)]));
    }

    static void Step(nn.Module<Tensor, Tensor> model, ShardedModel sharded, IParameterUpdater optimizer, int step)
    {
        using (TensorScope.Open())
        {
            Backward.Run(nn.functional.mse_loss(model.call(linspace(-1, 1, 24).view(2, 12) * (step + 1)), ones(2, 5)));
            sharded.FinishBackward();
        }
        optimizer.Step();
        optimizer.ClearGradients();
    }

    static float[] Value(ShardedModel sharded, string name)
    {
        using var value = sharded.FullParameter(name);
        return value.data<float>().ToArray();
    }
}
