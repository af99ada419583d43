using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>Fifty steps of a small GPT with tied embeddings, by its own units.</summary>
public sealed class GptParityTests
{
    const int Steps = 50;
    static readonly GptOptions Small = new() { Vocabulary = 61, Context = 16, Layers = 3, Heads = 2, Width = 32, Dropout = 0 };

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_stage_and_offload_give_the_bits_of_stage_0(int ranks)
    {
        using var folder = new TemporaryFolder();
        var expected = Train(ranks, Zero.Stage0);
        Assert.True(expected.Losses[^1] < expected.Losses[0] * 0.8, $"{expected.Losses[0]} to {expected.Losses[^1]}");
        foreach (var strategy in new[] { Zero.Stage1, Zero.Stage2, Zero.Stage3, Zero.Stage3 with { OffloadOptimizer = Tier.Disk(folder["state"]) },
            Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["state"]) }, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["state"]), OffloadOptimizer = Tier.Disk(folder["state"]) } })
        {
            var actual = Train(ranks, strategy);
            Assert.Equal(expected.Losses, actual.Losses);
            foreach (var (name, values) in expected.Weights) Assert.True(values.AsSpan().SequenceEqual(actual.Weights[name]), $"{name} differs in {strategy}");
        }
    }

    [Theory]
    [InlineData(WeightCodec.None)]
    [InlineData(WeightCodec.Int8)]
    public void Second_shards_within_nodes_of_two_give_the_bits_of_stage_3_without(WeightCodec codec)
    {
        var expected = Train(4, Zero.Stage3 with { WeightCodec = codec });
        var actual = Train(4, Zero.Stage3 with { WeightCodec = codec, SecondaryShardSize = 2 });
        Assert.Equal(expected.Losses, actual.Losses);
        foreach (var (name, values) in expected.Weights) Assert.True(values.AsSpan().SequenceEqual(actual.Weights[name]), $"{name} differs");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Stage_0_is_one_rank_within_a_millionth(int ranks)
    {
        // One rank sums 8 sequences in one matmul, two ranks 4 each and then the two: equal sums, rounded in another order. Relative to the largest weight of each tensor.
        var (one, many) = (Train(1, Zero.Stage0, steps: 5), Train(ranks, Zero.Stage0, steps: 5));
        Assert.Equal(one.Losses[^1], many.Losses[^1], one.Losses[^1] * 1e-6);
        foreach (var (name, values) in one.Weights)
        {
            var scale = Math.Max(values.Max(Math.Abs), 1e-3f);
            for (var i = 0; i < values.Length; i++) Assert.True(Math.Abs(values[i] - many.Weights[name][i]) <= 1e-6 * scale, $"{name}[{i}]: {values[i]:r} and {many.Weights[name][i]:r}");
        }
    }

    static (double[] Losses, Dictionary<string, float[]> Weights) Train(int ranks, Strategy strategy, int steps = Steps)
    {
        var models = new Gpt[ranks];
        for (var r = 0; r < ranks; r++)
        {
            Seed.Everything(r);
            models[r] = new Gpt(Small);
        }
        var random = new Random(5);
        var tokens = new long[8 * 17];
        for (var i = 0; i < tokens.Length; i++) tokens[i] = random.Next(Small.Vocabulary);
        using var all = tensor(tokens, [8, 17]);
        var results = World.Run(ranks, world =>
        {
            set_num_threads(1);
            var model = models[world.Rank];
            using var sharded = new ShardedModel(model, strategy, world.Group);
            // Plain SGD: its update is as smooth as the gradient, where Adam's first steps divide noise by noise.
            using var optimizer = sharded.CreateOptimizer(new Sgd(0.9), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 0.05)]);
            var losses = new double[steps];
            using var mean = zeros(1, dtype: ScalarType.Float64);
            for (var step = 0; step < steps; step++)
            {
                using (TensorScope.Open())
                {
                    var mine = all.chunk(world.Size)[world.Rank];
                    var loss = model.Loss(mine[.., ..16], mine[.., 1..]);
                    sharded.ThrowIfReleased(loss);
                    Backward.Run(loss);
                    sharded.FinishBackward();
                    using (no_grad()) mean.fill_(loss.to(ScalarType.Float64).item<double>());
                    world.Group.AllReduce(mean, ReduceOp.Mean);
                    losses[step] = mean.item<double>();
                }
                optimizer.Step();
                optimizer.ClearGradients();
            }
            var state = sharded.StateDict();
            var weights = state.ToDictionary(s => s.Key, s => s.Value.data<float>().ToArray());
            foreach (var value in state.Values) value.Dispose();
            return (losses, weights);
        }, Rig.Options);
        foreach (var model in models) model.Dispose();
        return results[0];
    }
}
