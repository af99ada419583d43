using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>Training whose weights or gradients cross as codes: near the plain one, the same on every run, with fewer bytes.</summary>
public sealed class CodecTrainingTests
{
    [Theory]
    [InlineData(3, WeightCodec.Int8, GradientCodec.None, 0.08)]
    [InlineData(2, WeightCodec.None, GradientCodec.Int4, 0.15)]
    [InlineData(3, WeightCodec.Int8, GradientCodec.Int4, 0.2)]
    [InlineData(0, WeightCodec.None, GradientCodec.OneBit, 0.6)]
    public void Codes_train_nearly_as_plain_values_do(int stage, WeightCodec weights, GradientCodec gradients, double tolerance)
    {
        var strategy = new Strategy { Stage = stage, WeightCodec = weights, GradientCodec = gradients };
        var plain = Rig.Train(2, new Strategy { Stage = stage }, 20, algorithm: new Tensors.Sgd());
        var coded = Rig.Train(2, strategy, 20, algorithm: new Tensors.Sgd());
        Assert.NotEqual(plain.Losses, coded.Losses);
        Assert.InRange(coded.Losses[^1], plain.Losses[^1] * (1 - tolerance), plain.Losses[^1] * (1 + tolerance));
        Rig.AssertSame(coded, Rig.Train(2, strategy, 20, algorithm: new Tensors.Sgd()));
    }

    [Fact]
    public void One_bit_Adam_trains_and_is_refused_where_updates_are_divided()
    {
        var trained = Rig.Train(2, Zero.Stage0, 12, algorithm: new Tensors.OneBitAdam { FreezeStep = 6 });
        Assert.True(trained.Losses.All(double.IsFinite));
        Assert.Equal((6, 6, 6), (Calls(CollectiveKind.AllReduce), Calls(CollectiveKind.AllToAll), Calls(CollectiveKind.AllGather)));
        Assert.InRange((double)trained.Ledger.Crossed(BufferKind.Gradients, CollectiveKind.AllReduce).Bytes / trained.Ledger.Crossed(BufferKind.Gradients, CollectiveKind.AllToAll).Bytes, 25, 32);
        Rig.AssertSame(trained, Rig.Train(2, Zero.Stage0, 12, algorithm: new Tensors.OneBitAdam { FreezeStep = 6 }));
        Assert.Throws<NotSupportedException>(() => Rig.Train(2, Zero.Stage2, 1, algorithm: new Tensors.OneBitAdam()));

        long Calls(CollectiveKind kind) => trained.Ledger.Crossed(BufferKind.Gradients, kind).Calls;
    }

    [Fact]
    public void Codes_move_a_quarter_and_an_eighth_of_float32()
    {
        var plain = Rig.Train(2, Zero.Stage3, 2).Ledger;
        var coded = Rig.Train(2, Zero.Stage3 with { WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4 }, 2).Ledger;
        // Beside the codes a scale of 4 bytes for each block, of 256 values or what is left.
        Assert.InRange(Ratio(BufferKind.Parameters, CollectiveKind.AllGather, CollectiveKind.AllGather), 0.25, 0.29);
        Assert.InRange(Ratio(BufferKind.Gradients, CollectiveKind.ReduceScatter, CollectiveKind.AllToAll), 0.125, 0.16);

        double Ratio(BufferKind kind, CollectiveKind before, CollectiveKind after) => (double)coded.Crossed(kind, after).Bytes / plain.Crossed(kind, before).Bytes;
    }

    [Fact]
    public void Coded_gradients_go_within_nodes_first()
    {
        var strategy = Zero.Stage3 with { WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4, SecondaryShardSize = 2 };
        var plain = Rig.Train(4, Zero.Stage3, 20, algorithm: new Tensors.Sgd());
        var coded = Rig.Train(4, strategy, 20, algorithm: new Tensors.Sgd());
        Assert.InRange(coded.Losses[^1], plain.Losses[^1] * 0.8, plain.Losses[^1] * 1.2);
        Rig.AssertSame(coded, Rig.Train(4, strategy, 20, algorithm: new Tensors.Sgd()));
        Rig.AssertSame(coded, Rig.Train(4, strategy, 20, algorithm: new Tensors.Sgd(), options: Rig.Checked));
        // Four units of twenty steps, in two hops.
        Assert.Equal(2 * 4 * 20, coded.Ledger.Crossed(BufferKind.Gradients, CollectiveKind.AllToAll).Calls);
    }

    [Theory]
    [InlineData(0, GradientCodec.None)]
    [InlineData(0, GradientCodec.OneBit)]
    [InlineData(2, GradientCodec.Int4)]
    [InlineData(3, GradientCodec.Int4)]
    public void A_loss_scale_that_changes_leaves_no_trace(int stage, GradientCodec codec)
    {
        // Powers of two: everything that is coded is exact in them, so that what codecs keep is too, where it follows the scale.
        double[] scales = [1024, 1024, 2048, 256, 256, 1, 4096, 4096];
        var strategy = new Strategy { Stage = stage, GradientCodec = codec };
        Rig.AssertSame(Rig.Train(2, strategy, scales.Length), Rig.Train(2, strategy, scales.Length, scales: scales));
    }

    [Fact]
    public void What_a_codec_keeps_is_loaded_in_the_measure_it_was_saved_in()
    {
        using var folder = new TemporaryFolder();
        World.Run(2, world =>
        {
            set_num_threads(1);
            var (first, sharded) = Start(seed: 1);
            using (first) using (sharded)
            {
                var optimizer = Train(first, sharded, scale: 1024);
                using (optimizer)
                {
                    using (TensorScope.Open()) ShardedCheckpointWriter.Write(folder["saved"], world.Group, new ShardedContent { Slices = sharded.ModelSlices(), State = new JsonObject() }, new CheckpointFacts(1));
                    var (second, resumed) = Start(seed: 2);
                    using (second) using (resumed)
                    {
                        using var checkpoint = ShardedCheckpoint.Open(folder["saved"], world.Group);
                        // Whatever the scale was when it is loaded, the next pass says its own.
                        resumed.GradientScale = 64;
                        resumed.LoadModel(checkpoint);
                        optimizer.ClearGradients();
                        Pass(first, sharded, scale: 256);
                        using var other = Train(second, resumed, scale: 256);
                        foreach (var (name, _) in first.named_parameters())
                        {
                            using var expected = sharded.FullGradient(name);
                            using var actual = resumed.FullGradient(name);
                            Assert.Equal(expected!.data<float>().ToArray(), actual!.data<float>().ToArray());
                        }
                    }
                }
            }

            (Sequential, ShardedModel) Start(int seed)
            {
                var model = Rig.Net();
                using (no_grad())
                {
                    var value = 0.01f * seed;
                    foreach (var (_, parameter) in model.named_parameters()) parameter.fill_(value *= 1.3f);
                }
                return (model, new ShardedModel(model, Zero.Stage2 with { GradientCodec = GradientCodec.Int4, UnitBytes = 1 }, world.Group));
            }

            IParameterUpdater Train(Sequential model, ShardedModel owner, double scale)
            {
                var made = owner.CreateOptimizer(new Tensors.Sgd(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2)]);
                Pass(model, owner, scale);
                return made;
            }

            void Pass(Sequential model, ShardedModel owner, double scale)
            {
                using var scope = TensorScope.Open();
                owner.GradientScale = scale;
                Backward.Run(functional.mse_loss(model.call(linspace(-1, 1, 24).view(2, 12) * (world.Rank + 1)), ones(2, 5)) * scale);
                owner.FinishBackward();
            }
        }, Rig.Options);
    }

    [Fact]
    public void One_bit_Adam_keeps_momenta_without_a_loss_scale()
    {
        double[] scales = [1024, 1024, 2048, 256, 256, 1, 4096, 4096];
        var algorithm = new Tensors.OneBitAdam { FreezeStep = 3 };
        Rig.AssertSame(Rig.Train(2, Zero.Stage0, scales.Length, algorithm: algorithm), Rig.Train(2, Zero.Stage0, scales.Length, algorithm: algorithm, scales: scales));
    }
}
