using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>A small net on a few ranks: each sees its part of the same samples, and everything that can be compared is kept.</summary>
static class Rig
{
    public static readonly GroupOptions Options = new() { Deadline = TimeSpan.FromSeconds(20) };

    /// <summary>Ranks compare each call before they make it.</summary>
    public static readonly GroupOptions Checked = Options with { CheckCalls = true };

    /// <summary>Linear - GELU - Linear - LayerNorm - Linear.</summary>
    public static Sequential Net(int width = 24) => Sequential(
        ("first", Linear(12, width)), ("gelu", GELU()), ("second", Linear(width, width)), ("norm", LayerNorm(width)), ("third", Linear(width, 5)));

    /// <summary>What a training came to, on rank 0.</summary>
    public sealed record Outcome(double[] Losses, double[] Norms, IReadOnlyDictionary<string, float[]> Weights, Ledger Ledger);

    public static Outcome Train(
        int ranks, Strategy strategy, int steps = 10, Func<Module<Tensor, Tensor>>? make = null, OptimizerAlgorithm? algorithm = null, double? clip = 0.5,
        ScalarType dtype = ScalarType.Float32, int accumulate = 1, Func<Module<Tensor, Tensor>, Tensor, Tensor, int, Tensor>? loss = null, GroupOptions? options = null,
        IReadOnlyList<double>? scales = null)
    {
        strategy = strategy with { UnitBytes = 1 };
        var models = new Module<Tensor, Tensor>[ranks];
        for (var r = 0; r < ranks; r++)
        {
            // Only rank 0's values count.
            Seed.Everything(7 + r);
            models[r] = (make ?? (() => Net()))();
            if (dtype != ScalarType.Float32) models[r].to(dtype);
        }
        using var inputs = Samples(steps * accumulate, 12, 1, dtype);
        using var targets = Samples(steps * accumulate, 5, 2, dtype);
        try
        {
            return World.Run(ranks, world => Live(world, models[world.Rank]), options ?? Options)[0];
        }
        finally
        {
            foreach (var model in models) model.Dispose();
        }

        Outcome Live(World world, Module<Tensor, Tensor> model)
        {
            // One thread a rank: what libtorch's threads divide among them, they sum in another order.
            set_num_threads(1);
            using var sharded = new ShardedModel(model, strategy, world.Group);
            using var optimizer = sharded.CreateOptimizer(algorithm ?? new Raijin.Tensors.AdamW(), [new ParameterGroup("all", model.named_parameters().Where(p => p.parameter.requires_grad).Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2, 0.1)]);
            var (losses, norms) = (new List<double>(), new List<double>());
            for (var step = 0; step < steps; step++)
            {
                var mean = 0.0;
                var scale = scales?[step] ?? 1;
                sharded.GradientScale = scale;
                for (var micro = 0; micro < accumulate; micro++)
                {
                    using var scope = TensorScope.Open();
                    var index = (step * accumulate) + micro;
                    var x = inputs[index].chunk(world.Size)[world.Rank];
                    var y = targets[index].chunk(world.Size)[world.Rank];
                    using var quiet = micro < accumulate - 1 ? sharded.NoSync() : null;
                    var value = loss is null ? functional.mse_loss(model.call(x), y) : loss(model, x, y, index);
                    if (accumulate > 1) value = value / accumulate;
                    Backward.Run(scale == 1 ? value : value * scale);
                    if (quiet is null || strategy.Stage >= 2) sharded.FinishBackward();
                    mean += value.to(ScalarType.Float64).item<double>();
                }
                losses.Add(mean);
                var norm = optimizer.MeasureGradients();
                norm = norm with { Norm = norm.Norm / scale };
                norms.Add(norm.Norm);
                optimizer.Step((clip is { } limit ? norm.ClipFactor(limit) : 1) / scale);
                optimizer.ClearGradients();
            }
            var weights = sharded.StateDict();
            var kept = weights.ToDictionary(w => w.Key, w => { using var f = w.Value.to(ScalarType.Float32); return f.data<float>().ToArray(); });
            foreach (var weight in weights.Values) weight.Dispose();
            return new Outcome([.. losses], [.. norms], kept, sharded.Ledger);
        }
    }

    /// <summary>[count, 12 samples, width]: the same numbers for every call with the same seed; 12 samples divide among 1, 2, 3 and 4 ranks.</summary>
    static Tensor Samples(int count, int width, int seed, ScalarType dtype)
    {
        var random = new Random(seed);
        var values = new float[count * 12 * width];
        for (var i = 0; i < values.Length; i++) values[i] = (float)((random.NextDouble() * 2) - 1);
        using var samples = tensor(values, [count, 12, width]);
        return samples.to(dtype, copy: true);
    }

    public static void AssertSame(Outcome expected, Outcome actual)
    {
        Assert.Equal(expected.Losses, actual.Losses);
        Assert.Equal(expected.Norms, actual.Norms);
        Assert.Equal(expected.Weights.Keys.Order(), actual.Weights.Keys.Order());
        foreach (var (name, values) in expected.Weights) Assert.True(values.AsSpan().SequenceEqual(actual.Weights[name]), $"{name} differs");
    }
}
