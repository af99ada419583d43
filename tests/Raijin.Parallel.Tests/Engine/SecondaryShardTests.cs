using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>hpZ: what a forward pass gathered is gathered again within nodes of two ranks, and nothing that is computed with changes.</summary>
public sealed class SecondaryShardTests
{
    const int Units = 4;

    static readonly Strategy Near = Zero.Stage3 with { SecondaryShardSize = 2 };

    [Theory]
    [InlineData(WeightCodec.None)]
    [InlineData(WeightCodec.Int8)]
    public void It_changes_no_bit(WeightCodec codec) =>
        Rig.AssertSame(Rig.Train(4, Zero.Stage3 with { WeightCodec = codec }), Rig.Train(4, Near with { WeightCodec = codec }));

    [Fact]
    public void Ranks_that_compare_their_calls_find_them_alike() =>
        Rig.AssertSame(Rig.Train(4, Zero.Stage3, 4), Rig.Train(4, Near, 4, options: Rig.Checked));

    [Fact]
    public void Microbatches_between_updates_share_it() =>
        Rig.AssertSame(Rig.Train(4, Zero.Stage3, accumulate: 3), Rig.Train(4, Near, accumulate: 3));

    [Fact]
    public void Half_precision_weights_are_kept_as_they_are() =>
        Rig.AssertSame(Rig.Train(4, Zero.Stage3, dtype: ScalarType.BFloat16), Rig.Train(4, Near, dtype: ScalarType.BFloat16));

    [Fact]
    public void Gathering_ahead_and_copies_of_the_shards_go_with_it()
    {
        Rig.AssertSame(Rig.Train(4, Zero.Stage3), Rig.Train(4, Near with { PrefetchUnits = 2 }));
        Rig.AssertSame(Rig.Train(4, Zero.Stage3 with { ShardSize = 2 }), Rig.Train(4, Near with { ShardSize = 2 }));
    }

    [Fact]
    public void A_unit_may_be_used_twice_and_again_inside_backward()
    {
        // Recomputation is a forward pass inside backward.
        static Tensor Loss(Module<Tensor, Tensor> model, Tensor x, Tensor y, int step)
        {
            var twice = (Twice)model;
            var hidden = twice.Hidden(x);
            GradientHooks.OnGradient(hidden, _ =>
            {
                using var none = no_grad();
                using var scope = NewDisposeScope();
                Assert.Equal(hidden.detach().data<float>().ToArray(), twice.Hidden(x).data<float>().ToArray());
                return null;
            });
            return functional.mse_loss(twice.Head(hidden), y);
        }
        foreach (var codec in new[] { WeightCodec.None, WeightCodec.Int8 })
            Rig.AssertSame(Rig.Train(4, Zero.Stage3 with { WeightCodec = codec }, 5, () => new Twice(), loss: Loss), Rig.Train(4, Near with { WeightCodec = codec }, 5, () => new Twice(), loss: Loss));
    }

    [Fact]
    public void Only_the_first_gather_after_an_update_leaves_a_node() => World.Run(4, world =>
    {
        var (model, sharded, optimizer) = Start(world, Near, new Sgd());
        using (model) using (sharded) using (optimizer)
        {
            var bytes = sharded.Ledger.Held(BufferKind.Parameters) * world.Size;
            Assert.Equal(bytes / 2, sharded.Ledger.Held(BufferKind.Secondary));

            sharded.Ledger.ResetCrossings();
            Pass(model, sharded);
            Assert.Equal(new Crossing(2 * Units, 2 * bytes, bytes), Gathered());
            // A second microbatch, and an evaluation, stay within the node.
            Pass(model, sharded);
            using (no_grad()) using (TensorScope.Open()) model.call(ones(2, 12));
            Assert.Equal(new Crossing(5 * Units, 5 * bytes, bytes), Gathered());

            optimizer.Step();
            optimizer.ClearGradients();
            // What an evaluation gathers serves the training pass after it.
            using (no_grad()) using (TensorScope.Open()) model.call(ones(2, 12));
            Assert.Equal(new Crossing(6 * Units, 6 * bytes, 2 * bytes), Gathered());
            Pass(model, sharded);
            Assert.Equal(new Crossing(8 * Units, 8 * bytes, 2 * bytes), Gathered());
        }

        Crossing Gathered() => sharded.Ledger.Crossed(BufferKind.Parameters, CollectiveKind.AllGather);
    }, Rig.Options);

    [Fact]
    public void Loaded_weights_are_seen_at_once()
    {
        using var folder = new TemporaryFolder();
        World.Run(4, world =>
        {
            var (model, sharded, optimizer) = Start(world, Near, new Sgd());
            using (model) using (sharded) using (optimizer)
            {
                using (TensorScope.Open()) ShardedCheckpointWriter.Write(folder["saved"], world.Group, new ShardedContent { Slices = sharded.ModelSlices(), State = new JsonObject() }, new CheckpointFacts(0));
                var before = Output(model);
                Pass(model, sharded);
                optimizer.Step();
                Assert.NotEqual(before, Output(model));
                using var checkpoint = ShardedCheckpoint.Open(folder["saved"], world.Group);
                sharded.LoadModel(checkpoint);
                Assert.Equal(before, Output(model));
            }
        }, Rig.Options);
    }

    [Fact]
    public void Weights_of_an_evaluation_are_seen_at_once() => World.Run(4, world =>
    {
        var outputs = new[] { Zero.Stage3, Near }.Select(strategy =>
        {
            var (model, sharded, optimizer) = Start(world, strategy, new ScheduleFreeAdamW());
            using (model) using (sharded) using (optimizer)
            {
                for (var step = 0; step < 3; step++)
                {
                    Pass(model, sharded);
                    optimizer.Step();
                    optimizer.ClearGradients();
                }
                var training = Output(model);
                optimizer.UseEvaluationWeights();
                var evaluation = Output(model);
                Assert.NotEqual(training, evaluation);
                optimizer.UseTrainingWeights();
                return (float[][])[training, evaluation, Output(model)];
            }
        }).ToList();
        Assert.Equal(outputs[0], outputs[1]);
    }, Rig.Options);

    static (Sequential Model, ShardedModel Sharded, IParameterUpdater Optimizer) Start(World world, Strategy strategy, OptimizerAlgorithm algorithm)
    {
        set_num_threads(1);
        var model = Rig.Net();
        using (no_grad())
        {
            var value = 0.01f;
            foreach (var (_, parameter) in model.named_parameters()) parameter.fill_(value *= 1.3f);
        }
        var sharded = new ShardedModel(model, strategy with { UnitBytes = 1 }, world.Group);
        return (model, sharded, sharded.CreateOptimizer(algorithm, [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2)]));
    }

    static void Pass(Sequential model, ShardedModel sharded)
    {
        using var scope = TensorScope.Open();
        Backward.Run(functional.mse_loss(model.call(linspace(-1, 1, 24).view(2, 12)), ones(2, 5)));
        sharded.FinishBackward();
    }

    static float[] Output(Sequential model)
    {
        using var none = no_grad();
        using var scope = TensorScope.Open();
        return model.call(linspace(-1, 1, 24).view(2, 12)).data<float>().ToArray();
    }

    sealed class Twice : Module<Tensor, Tensor>
    {
        readonly Linear first = Linear(12, 12);
        readonly Linear last = Linear(12, 5);

        public Twice() : base("twice") => RegisterComponents();

        public Tensor Hidden(Tensor input) => first.call(functional.gelu(first.call(input)));

        public Tensor Head(Tensor hidden) => last.call(hidden);

        public override Tensor forward(Tensor input) => Head(Hidden(input));
    }
}
