using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>What is set by name in a divided model is what an optimizer of whole tensors has when the same is copied into it: the next updates have the same bits.</summary>
public sealed class ChangesTests
{
    const int Ranks = 2;
    static readonly Tensors.Adam Algorithm = new();

    [Theory]
    [InlineData(0, "float32")]
    [InlineData(1, "float32")]
    [InlineData(2, "float32")]
    [InlineData(3, "float32")]
    [InlineData(0, "bfloat16")]
    [InlineData(1, "bfloat16")]
    [InlineData(2, "bfloat16")]
    [InlineData(3, "bfloat16")]
    public void Values_gradients_and_state_that_are_set_are_updated_as_they_are(int stage, string dtype) => AssertSet(new Strategy { Stage = stage }, dtype == "float32" ? ScalarType.Float32 : ScalarType.BFloat16);

    [Theory]
    [InlineData(0, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void On_a_disk_too(int stage, bool parametersToo)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the disk tier is for Linux");
        using var folder = new TemporaryFolder();
        var disk = Tier.Disk(folder.Path);
        AssertSet(new Strategy { Stage = stage, OffloadOptimizer = disk, OffloadRatio = 0.6, OffloadParameters = parametersToo ? disk : Tier.Device }, ScalarType.BFloat16);
    }

    static void AssertSet(Strategy strategy, ScalarType dtype)
    {
        var expected = Whole(dtype);
        var results = World.Run(Ranks, world =>
        {
            set_num_threads(1);
            using var model = Net(dtype);
            using var sharded = new ShardedModel(model, strategy with { UnitBytes = 1 }, world.Group);
            using var optimizer = sharded.CreateOptimizer(Algorithm, [Group(model)]);
            string[] names = [.. model.named_parameters().Select(p => p.name)];
            for (var step = 0; step < 3; step++)
            {
                using var scope = TensorScope.Open();
                Backward.Run(Loss(model, dtype));
                sharded.FinishBackward();
                foreach (var name in names) sharded.SetGradient(name, Numbers(name, step, sharded.FullGradient(name)!.shape));
                optimizer.Step();
                optimizer.ClearGradients();
                if (step == 2) break;
                foreach (var name in names)
                {
                    var shape = sharded.FullParameter(name).shape;
                    sharded.SetParameter(name, Numbers(name, 10 + step, shape));
                    sharded.SetState(name, "exp_avg", Numbers(name, 20 + step, shape));
                    sharded.SetState(name, "exp_avg_sq", Numbers(name, 30 + step, shape).abs());
                }
            }
            using var reads = TensorScope.Open();
            return names.ToDictionary(name => name, name => (Values(sharded.FullParameter(name)), Values(sharded.FullState(name, "exp_avg")!), dtype == ScalarType.BFloat16 ? Values(sharded.FullState(name, "master")!) : []));
        }, Rig.Options);
        foreach (var result in results)
        {
            Assert.Equal(expected.Keys, result.Keys);
            foreach (var (name, (weights, average, master)) in expected)
            {
                Assert.Equal(weights, result[name].Item1);
                Assert.Equal(average, result[name].Item2);
                Assert.Equal(master, result[name].Item3);
            }
        }
    }

    // One process, whole tensors, everything copied by hand.
    static Dictionary<string, (float[] Weights, float[] Average, float[] Master)> Whole(ScalarType dtype)
    {
        using var model = Net(dtype);
        using var optimizer = new FusedOptimizer(Algorithm, [Group(model)]);
        using var none = no_grad();
        for (var step = 0; step < 3; step++)
        {
            using var scope = TensorScope.Open();
            foreach (var (name, parameter) in model.named_parameters()) GradientAccess.SetGradient(parameter, Numbers(name, step, parameter.shape).to(dtype));
            optimizer.Step();
            optimizer.ClearGradients();
            if (step == 2) break;
            foreach (var (name, parameter) in model.named_parameters())
            {
                var slots = optimizer.CaptureState().Slots(name);
                parameter.copy_(Numbers(name, 10 + step, parameter.shape));
                if (slots.TryGetValue("master", out var master)) master.copy_(Numbers(name, 10 + step, parameter.shape));
                slots["exp_avg"].copy_(Numbers(name, 20 + step, parameter.shape));
                slots["exp_avg_sq"].copy_(Numbers(name, 30 + step, parameter.shape).abs());
            }
        }
        using var reads = TensorScope.Open();
        return model.named_parameters().ToDictionary(p => p.name, p =>
        {
            var slots = optimizer.CaptureState().Slots(p.name);
            return (Values(p.parameter), Values(slots["exp_avg"]), slots.TryGetValue("master", out var master) ? Values(master) : []);
        });
    }

    [Fact]
    public void Masters_that_were_kept_for_the_first_update_are_set_too()
    {
        foreach (var stage in (int[])[0, 2])
        {
            World.Run(Ranks, world =>
            {
                set_num_threads(1);
                using var scope = TensorScope.Open();
                using var model = Net(ScalarType.BFloat16);
                var masters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().to(ScalarType.Float32));
                using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
                using var optimizer = sharded.CreateOptimizer(Algorithm, [Group(model, learningRate: 0)], new FusedOptimizerOptions { Masters = masters });
                var values = Numbers("second.weight", 1, [24, 24]);
                sharded.SetParameter("second.weight", values);
                Backward.Run(Loss(model, ScalarType.BFloat16));
                sharded.FinishBackward();
                optimizer.Step();
                Assert.Equal(Values(values), Values(sharded.FullState("second.weight", "master")!));
                optimizer.ClearGradients();
            }, Rig.Options);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Each_rank_sets_its_own_part(int stage) => World.Run(Ranks, world =>
    {
        set_num_threads(1);
        using var scope = TensorScope.Open();
        using var model = Net(ScalarType.BFloat16);
        using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1, SecondaryShardSize = stage == 3 ? 2 : 0 }, world.Group);
        using var optimizer = sharded.CreateOptimizer(Algorithm, [Group(model)]);
        Backward.Run(Loss(model, ScalarType.BFloat16));
        sharded.FinishBackward();
        string[] names = [.. model.named_parameters().Select(p => p.name)];
        foreach (var name in names)
        {
            var whole = sharded.FullGradient(name)!;
            Assert.Null(sharded.LocalState(name, "exp_avg"));
            if (sharded.LocalGradient(name) is not var (start, part)) continue;
            Assert.Equal(Values(whole.view(-1).narrow(0, start, part.NumberOfElements)), Values(part));
            sharded.SetLocalGradient(name, Numbers(name, 0, whole.shape).view(-1).narrow(0, start, part.NumberOfElements));
        }
        foreach (var name in names) Assert.Equal(Values(Numbers(name, 0, sharded.FullGradient(name)!.shape).to(ScalarType.BFloat16)), Values(sharded.FullGradient(name)!));
        optimizer.Step();
        foreach (var name in names)
        {
            if (sharded.LocalParameter(name) is not var (start, part)) continue;
            var whole = Numbers(name, 1, sharded.Module.get_parameter(name)!.shape).view(-1).narrow(0, start, part.NumberOfElements);
            sharded.SetLocalParameter(name, whole);
            sharded.SetLocalState(name, "exp_avg", whole * 2);
            Assert.Equal(Values(whole * 2), Values(sharded.LocalState(name, "exp_avg")!.Value.Values));
        }
        sharded.ShareUpdated();
        foreach (var name in names)
        {
            var whole = Numbers(name, 1, sharded.Module.get_parameter(name)!.shape);
            Assert.Equal(Values(whole.to(ScalarType.BFloat16)), Values(sharded.FullParameter(name)));
            Assert.Equal(Values(whole), Values(sharded.FullState(name, "master")!));
            Assert.Equal(Values(whole * 2), Values(sharded.FullState(name, "exp_avg")!));
        }
        // What a pass gathers is what was set.
        using (sharded.Gather()) Assert.Equal(Values(Numbers("third.weight", 1, [5, 24]).to(ScalarType.BFloat16)), Values(model.get_parameter("third.weight")!));
        optimizer.ClearGradients();
    }, Rig.Options);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void One_ranks_changes_of_gathered_values_are_kept_where_it_says_so(int stage) => World.Run(Ranks, world =>
    {
        using var scope = TensorScope.Open();
        using var model = Net(ScalarType.Float32);
        using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
        var before = Values(sharded.FullParameter("second.weight"));
        using (sharded.Gather(changedBy: 1))
        {
            using var none = no_grad();
            model.get_parameter("second.weight")!.add_(1 + world.Rank);
        }
        Assert.Equal([.. before.Select(value => value + 2)], Values(sharded.FullParameter("second.weight")));
        Assert.Throws<ArgumentOutOfRangeException>(() => sharded.Gather(changedBy: 2));
    }, Rig.Options);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Gradients_are_changed_one_after_another(int stage) => World.Run(Ranks, world =>
    {
        using var scope = TensorScope.Open();
        using var model = Net(ScalarType.Float32);
        using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
        using var optimizer = sharded.CreateOptimizer(Algorithm, [Group(model)]);
        Backward.Run(Loss(model, ScalarType.Float32));
        sharded.FinishBackward();
        var before = Values(sharded.FullGradient("first.weight")!);
        sharded.UpdateGradients(["first.weight", "first.bias"], (name, gradient) => name == "first.weight" ? gradient * 2 : gradient);
        Assert.Equal([.. before.Select(value => value * 2)], Values(sharded.FullGradient("first.weight")!));
        optimizer.ClearGradients();
    }, Rig.Options);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void What_cannot_be_set_is_refused_with_what_was_expected(int stage) => World.Run(Ranks, world =>
    {
        using var scope = TensorScope.Open();
        using var model = Net(ScalarType.Float32);
        using var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group);
        var values = ones(24, 24);
        Assert.Equal("No optimizer of CreateOptimizer trains 'second.weight'.", Assert.Throws<InvalidOperationException>(() => sharded.SetState("second.weight", "exp_avg", values)).Message);
        using var optimizer = sharded.CreateOptimizer(Algorithm, [Group(model)]);
        Assert.StartsWith("second.weight: expected [24, 24], but it is [24].", Assert.Throws<ShapeMismatchException>(() => sharded.SetParameter("second.weight", ones(24))).Message, StringComparison.Ordinal);
        Assert.StartsWith("No rank has a gradient of 'second.weight' now", Assert.Throws<InvalidOperationException>(() => sharded.SetGradient("second.weight", values)).Message, StringComparison.Ordinal);
        Assert.StartsWith("'second.weight' has had no update yet", Assert.Throws<InvalidOperationException>(() => sharded.SetState("second.weight", "exp_avg", values)).Message, StringComparison.Ordinal);
        Backward.Run(Loss(model, ScalarType.Float32));
        sharded.FinishBackward();
        optimizer.Step();
        Assert.StartsWith("Adam keeps no 'momentum' for 'second.weight'. It keeps exp_avg, exp_avg_sq.", Assert.Throws<ArgumentException>(() => sharded.SetState("second.weight", "momentum", values)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => sharded.FullState("second.weight", "master"));
        Assert.StartsWith("exp_avg of second.weight: expected [24, 24], but it is [576].", Assert.Throws<ShapeMismatchException>(() => sharded.SetState("second.weight", "exp_avg", ones(576))).Message, StringComparison.Ordinal);
        if (stage == 0) Assert.StartsWith("In stage 0 every rank updates all of 'second.weight'", Assert.Throws<NotSupportedException>(() => sharded.SetLocalParameter("second.weight", values)).Message, StringComparison.Ordinal);
        else if (sharded.LocalParameter("second.weight") is null) Assert.Throws<InvalidOperationException>(() => sharded.SetLocalParameter("second.weight", values));
        else Assert.StartsWith("this rank's part of second.weight: expected [", Assert.Throws<ShapeMismatchException>(() => sharded.SetLocalParameter("second.weight", values)).Message, StringComparison.Ordinal);
        Assert.Contains("no parameter 'absent'", Assert.Throws<ArgumentException>(() => sharded.SetParameter("absent", values)).Message, StringComparison.Ordinal);
        optimizer.ClearGradients();
    }, Rig.Options);

    static Sequential Net(ScalarType dtype)
    {
        var model = Rig.Net();
        using var none = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in model.named_parameters()) parameter.copy_(Numbers(name, 100, parameter.shape));
        if (dtype != ScalarType.Float32) model.to(dtype);
        return model;
    }

    static ParameterGroup Group(Sequential model, double learningRate = 1e-2) => new("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), learningRate, 0.1);

    static Tensor Loss(Module<Tensor, Tensor> model, ScalarType dtype) => functional.mse_loss(model.call(linspace(-1, 1, 4 * 12).view(4, 12).to(dtype)), ones(4, 5, dtype));

    // Other numbers for each name and purpose, with more digits than bfloat16 has.
    static Tensor Numbers(string name, int purpose, long[] shape) => (arange(shape.Aggregate(1L, (a, b) => a * b), ScalarType.Float32) * 0.37 + name.Length + purpose * 1.7).sin().mul_(0.3).view(shape);

    static float[] Values(Tensor tensor) => tensor.to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
