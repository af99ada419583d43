using System.Text.Json;
using CsCheck;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class OptimizerStateTests
{
    static readonly int[] Sizes = [3, 70, 1000];
    static readonly long[][] Shapes = [[3], [7, 10], [20, 5, 10]];

    [Theory]
    [MemberData(nameof(Optimized.AllIndices), MemberType = typeof(Optimized))]
    public void Saved_and_loaded_midway_is_the_uninterrupted_run_bit_for_bit(int index)
    {
        var algorithm = Optimized.All[index];
        Gen.Select(Gen.Int[0, 5], Gen.Bool, Gen.Bool).Sample(
            (cut, half, reordered) =>
            {
                var dtype = half ? ScalarType.BFloat16 : ScalarType.Float32;
                var straight = Make(dtype);
                using var uninterrupted = new FusedOptimizer(algorithm, [Optimized.Group(straight)]);
                for (var step = 0; step < 6; step++) Step(uninterrupted, straight, step);

                var first = Make(dtype);
                using var before = new FusedOptimizer(algorithm, [Optimized.Group(first)]);
                for (var step = 0; step < cut; step++) Step(before, first, step);

                // Through bytes and JSON, into new parameters, in another order and grouping of updates.
                var state = before.CaptureState();
                var json = JsonSerializer.Serialize(state.Scalars);
                var copies = state.Tensors.Select(t => (t.Key, t.Tensor.clone())).ToList();
                var second = first.Select(p => Optimized.Parameter(Optimized.Read(p), dtype, p.shape)).ToArray();
                var named = second.Select((p, i) => KeyValuePair.Create($"p{i}", p));
                using var after = new FusedOptimizer(algorithm, [new("all", reordered ? named.Reverse() : named, 9, 9)]);
                Assert.True(after.LoadState(new(JsonSerializer.Deserialize<OptimizerScalars>(json)!, copies)).IsEmpty);
                Assert.Equal(cut, after.Updates);
                for (var step = cut; step < 6; step++) Step(after, second, step);

                for (var i = 0; i < Sizes.Length; i++)
                    Assert.Equal(Optimized.Bits(Optimized.Read(straight[i])), Optimized.Bits(Optimized.Read(second[i])));
                foreach (var (_, tensor) in copies) tensor.Dispose();
                foreach (var parameter in straight.Concat(first).Concat(second)) parameter.Dispose();
            },
            iter: 6,
            threads: 1);
    }

    static Parameter[] Make(ScalarType dtype) => [.. Sizes.Select((n, i) => Optimized.Parameter(Optimized.Values(i, n), dtype, Shapes[i]))];

    // The middle parameter has no gradient in every other step.
    static void Step(FusedOptimizer optimizer, Parameter[] parameters, int step)
    {
        for (var i = 0; i < parameters.Length; i++)
            if (i != 1 || step % 2 == 0) Optimized.SetGradient(parameters[i], Optimized.Values((10 * step) + i, Sizes[i]));
        optimizer.Step();
        optimizer.ClearGradients();
    }

    [Fact]
    public void Keys_are_parameter_and_slot()
    {
        using var parameter = Optimized.Parameter([1, 2], ScalarType.BFloat16);
        using var optimizer = new FusedOptimizer(new Adam(), [new("g", [KeyValuePair.Create("layer1.weight", parameter)], 0.1)]);
        Optimized.SetGradient(parameter, [1, 1]);
        optimizer.Step();
        var state = optimizer.CaptureState();
        Assert.Equal(["layer1.weight/exp_avg", "layer1.weight/exp_avg_sq", "layer1.weight/master"], state.Tensors.Select(t => t.Key));
        Assert.All(state.Tensors, t => Assert.Equal(ScalarType.Float32, t.Tensor.dtype));
    }

    [Fact]
    public void Scalars_survive_json()
    {
        foreach (var algorithm in Optimized.All.Append(new LbfgsOptions(History: 7)))
        {
            var carried = new Dictionary<string, IReadOnlyDictionary<string, double>> { ["a"] = new Dictionary<string, double> { ["eta"] = 0.1 / 3 } };
            var scalars = new OptimizerScalars(algorithm, 7, [new("g", 0.1, 0.01)], new Dictionary<string, long> { ["a"] = 7 }, carried);
            var read = JsonSerializer.Deserialize<OptimizerScalars>(JsonSerializer.Serialize(scalars))!;
            Assert.Equal(algorithm, read.Algorithm);
            Assert.Equal(scalars.Groups, read.Groups);
            Assert.Equal(scalars.ParameterUpdates, read.ParameterUpdates);
            Assert.Equal(0.1 / 3, read.Carried!["a"]["eta"]);
        }
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused_with_every_difference_and_nothing_changed()
    {
        using var a = Optimized.Parameter([1, 2]);
        using var b = Optimized.Parameter([1, 2]);
        using var source = new FusedOptimizer(new Adam(), [Optimized.Group([a, b])]);
        Optimized.SetGradient(a, [1, 1]);
        Optimized.SetGradient(b, [1, 1]);
        source.Step();

        using var longer = Optimized.Parameter([1, 2, 3]);
        using var target = new FusedOptimizer(new Adam(AmsGrad: true), [new("other", [KeyValuePair.Create("p0", longer)], 0.5)]);
        var error = Assert.Throws<OptimizerStateMismatchException>(() => target.LoadState(source.CaptureState()));
        Assert.Equal(["p0/max_exp_avg_sq", "group 'other'"], error.Difference.Missing);
        Assert.Equal(["p1", "group 'all'"], error.Difference.Unexpected);
        Assert.Contains("p0/exp_avg: [2], but the parameter is [3]", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, target.Updates);
        Assert.Empty(target.CaptureState().Tensors);

        Assert.False(target.LoadState(source.CaptureState(), strict: false).IsEmpty);
        Assert.Equal(1, target.Updates);
        Assert.Equal(0.5, target.Groups[0].LearningRate);
    }

    [Fact]
    public void Another_algorithms_state_is_named()
    {
        using var a = Optimized.Parameter([1, 2]);
        using var source = new FusedOptimizer(new Sgd(Momentum: 0.9), [Optimized.Group([a])]);
        using var target = new FusedOptimizer(new RmsProp(Momentum: 0.9), [Optimized.Group([a])]);
        var error = Assert.Throws<OptimizerStateMismatchException>(() => target.LoadState(source.CaptureState()));
        Assert.Contains("made by Sgd, this is RmsProp", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loading_resets_a_parameter_that_the_state_does_not_know()
    {
        using var a = Optimized.Parameter([1, 2]);
        using var optimizer = new FusedOptimizer(new Adagrad(InitialAccumulator: 0.5), [Optimized.Group([a])]);
        var fresh = optimizer.CaptureState();
        Optimized.SetGradient(a, [1, 1]);
        optimizer.Step();
        Assert.NotEqual([0.5f, 0.5f], Optimized.Read(optimizer.CaptureState().Slots("p0")["sum"]));
        Assert.True(optimizer.LoadState(fresh).IsEmpty);
        Assert.Equal(0, optimizer.Updates);
        Assert.Equal([0.5f, 0.5f], Optimized.Read(optimizer.CaptureState().Slots("p0")["sum"]));
    }

    [Fact]
    public void Numbers_and_slots_of_another_shape_that_are_missing_are_named()
    {
        using var a = Optimized.Parameter([1, 2, 3, 4], ScalarType.Float32, 2, 2);
        using var averaged = new FusedOptimizer(new Asgd(), [Optimized.Group([a])]);
        Optimized.SetGradient(a, [1, 1, 1, 1]);
        averaged.Step();
        var state = averaged.CaptureState();
        var without = new OptimizerState(state.Scalars with { Carried = null }, state.Tensors);
        Assert.Equal(["p0 (its eta)"], Assert.Throws<OptimizerStateMismatchException>(() => averaged.LoadState(without)).Difference.Missing);
        Assert.Equal(["p0 (its eta)"], averaged.LoadState(without, strict: false).Missing);
        Assert.Empty(averaged.CaptureState().Scalars.ParameterUpdates);

        using var factored = new FusedOptimizer(new Adafactor(), [Optimized.Group([a])]);
        factored.Step();
        var slots = factored.CaptureState().Slots("p0");
        Assert.Equal([2, 1], slots["row"].shape);
        Assert.Equal([1, 2], slots["column"].shape);
    }

    [Theory]
    [InlineData("noslash")]
    [InlineData("/exp_avg")]
    [InlineData("weight/")]
    public void A_malformed_key_is_refused(string key)
    {
        using var tensor = zeros(1);
        var scalars = new OptimizerScalars(new Adam(), 0, [], new Dictionary<string, long>());
        Assert.Contains(key, Assert.Throws<ArgumentException>(() => new OptimizerState(scalars, [(key, tensor)])).Message, StringComparison.Ordinal);
    }
}
