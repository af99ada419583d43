using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>What users read of a divided model is what it holds, in every stage.</summary>
public sealed class AccessTests
{
    const int Ranks = 3;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_gradient_is_whole_on_every_rank_and_the_mean_over_all(int stage)
    {
        var expected = new Dictionary<string, float[]>(StringComparer.Ordinal);
        set_num_threads(1);
        using (var plain = Filled())
        using (TensorScope.Open())
        {
            Loss(plain, Samples()).backward();
            foreach (var (name, parameter) in plain.named_parameters()) expected[name] = parameter.grad!.data<float>().ToArray();
            foreach (var parameter in plain.parameters()) GradientAccess.ClearGradient(parameter);
        }

        World.Run(Ranks, world =>
        {
            set_num_threads(1);
            using var model = Filled();
            using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
            using var optimizer = sharded.CreateOptimizer(new Tensors.AdamW(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2)]);
            using (TensorScope.Open())
            {
                Backward.Run(Loss(model, Samples().chunk(Ranks)[world.Rank]));
                sharded.FinishBackward();
                foreach (var (name, values) in expected)
                {
                    var gradient = sharded.FullGradient(name);
                    Assert.NotNull(gradient);
                    var actual = gradient.data<float>().ToArray();
                    Assert.Equal(values.Length, actual.Length);
                    // Sums of three parts, not of all samples at once.
                    for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], actual[i], 1e-6f);
                }
            }
            optimizer.ClearGradients();
        }, Rig.Options);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_ranks_parts_of_a_parameter_are_all_of_it_once(int stage)
    {
        string[] names = ["first.weight", "second.bias", "third.weight"];
        var parts = World.Run(Ranks, world =>
        {
            using var model = Filled();
            using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
            var mine = new List<(string Name, long Start, float[] Values, float[] Whole)>();
            foreach (var name in names)
            {
                using var whole = sharded.FullParameter(name);
                if (sharded.LocalParameter(name) is not { } part) continue;
                using (part.Values) mine.Add((name, part.Start, part.Values.data<float>().ToArray(), whole.data<float>().ToArray()));
            }
            return mine;
        }, Rig.Options).SelectMany(p => p).ToList();

        foreach (var of in parts.GroupBy(p => p.Name))
        {
            var next = 0L;
            foreach (var part in of.OrderBy(p => p.Start))
            {
                Assert.Equal(next, part.Start);
                Assert.Equal(part.Whole.Skip((int)part.Start).Take(part.Values.Length), part.Values);
                next += part.Values.Length;
            }
            Assert.Equal(of.First().Whole.Length, next);
        }
        Assert.Equal(names, parts.Select(p => p.Name).Distinct().Order());
    }

    static Sequential Filled()
    {
        var model = Rig.Net();
        using var none = no_grad();
        var value = 0.01f;
        foreach (var (_, parameter) in model.named_parameters())
        {
            using var row = arange(parameter.numel(), ScalarType.Float32);
            using var scaled = row.sin();
            using var shaped = scaled.view(parameter.shape);
            using var small = shaped.mul(value += 0.03f);
            parameter.copy_(small);
        }
        return model;
    }

    static Tensor Samples() => linspace(-1, 1, 2 * Ranks * 12).view(2 * Ranks, 12);

    static Tensor Loss(Module<Tensor, Tensor> model, Tensor inputs) => functional.mse_loss(model.call(inputs), ones(inputs.shape[0], 5));
}
