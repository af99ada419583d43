using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>What ordinary modules do with their parameters, in every stage.</summary>
public sealed class ModuleShapesTests
{
    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (var name in Makers.Keys)
            foreach (var stage in new[] { 1, 2, 3 }) cases.Add(name, stage);
        return cases;
    }

    static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> Makers = new()
    {
        ["frozen first layer"] = () => Frozen("first"),
        ["frozen middle layer"] = () => Frozen("second"),
        ["frozen bias in a layer"] = () => Frozen("second.bias"),
        ["a layer used twice"] = () => new Twice(),
        ["a parameter of the model itself"] = () => new Own(),
        ["several inputs and a tuple out"] = () => new Pairs(),
        ["a layer nobody uses"] = () => new Unused(),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_stage_gives_the_bits_of_stage_0(string name, int stage) =>
        Rig.AssertSame(Rig.Train(2, Zero.Stage0, 5, Makers[name]), Rig.Train(2, new Strategy { Stage = stage }, 5, Makers[name]));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_parameter_without_gradient_is_passed_over_as_on_one_rank(int stage)
    {
        // Weight decay would move it.
        var before = new Unused();
        var trained = Rig.Train(2, new Strategy { Stage = stage }, 5, () => { Seed.Everything(3); return new Unused(); });
        Seed.Everything(3);
        using var again = new Unused();
        before.Dispose();
        foreach (var (name, parameter) in again.named_parameters().Where(p => p.name.StartsWith("idle", StringComparison.Ordinal)))
            Assert.Equal(parameter.data<float>().ToArray(), trained.Weights[name]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Control_flow_may_differ_from_step_to_step(int stage)
    {
        static Tensor Loss(Module<Tensor, Tensor> model, Tensor x, Tensor y, int step) => functional.mse_loss(((Branches)model).Run(x, step % 3), y);
        Rig.AssertSame(
            Rig.Train(2, Zero.Stage0, 7, () => new Branches(), loss: Loss),
            Rig.Train(2, new Strategy { Stage = stage }, 7, () => new Branches(), loss: Loss));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_parameter_that_is_named_as_shared_may_be_used_outside_its_module(int stage)
    {
        IReadOnlyList<string> shared = ["first.weight"];
        Rig.AssertSame(Rig.Train(2, Zero.Stage0 with { SharedParameters = shared }, 5, () => new Tied()), Rig.Train(2, new Strategy { Stage = stage, SharedParameters = shared }, 5, () => new Tied()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_static_graph_is_agreed_on_once(int stage) =>
        Rig.AssertSame(Rig.Train(2, Zero.Stage0, 5, Makers["a layer nobody uses"]), Rig.Train(2, new Strategy { Stage = stage, StaticGraph = true }, 5, Makers["a layer nobody uses"]));

    [Fact]
    public void A_graph_that_was_said_to_be_static_and_is_not_is_refused()
    {
        static Tensor Loss(Module<Tensor, Tensor> model, Tensor x, Tensor y, int step) => functional.mse_loss(((Branches)model).Run(x, step % 3), y);
        var error = Assert.Throws<InvalidOperationException>(() => Rig.Train(2, Zero.Stage2 with { StaticGraph = true }, 3, () => new Branches(), loss: Loss));
        Assert.Contains("staticGraph", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gathering_ahead_changes_nothing() =>
        Rig.AssertSame(Rig.Train(2, Zero.Stage0), Rig.Train(2, Zero.Stage3 with { PrefetchUnits = 2 }));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Half_precision_weights_with_masters_give_the_bits_of_stage_0(int stage) =>
        Rig.AssertSame(Rig.Train(2, Zero.Stage0, dtype: ScalarType.BFloat16), Rig.Train(2, new Strategy { Stage = stage }, dtype: ScalarType.BFloat16));

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    public void Accumulated_gradients_come_to_the_same(int stage, bool sameBits)
    {
        // From stage 2 on every microbatch is reduced by itself: the same sum in another order.
        var (expected, actual) = (Rig.Train(2, Zero.Stage0, accumulate: 3), Rig.Train(2, new Strategy { Stage = stage }, accumulate: 3));
        if (sameBits) Rig.AssertSame(expected, actual);
        else
            foreach (var (name, values) in expected.Weights)
                for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], actual.Weights[name][i], 2e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Two_groups_of_two_hold_copies_of_each_other(int stage)
    {
        var (expected, actual) = (Rig.Train(4, Zero.Stage0), Rig.Train(4, new Strategy { Stage = stage, ShardSize = 2 }));
        // The mean of means is rounded otherwise than the mean of all, and alike in every stage.
        Rig.AssertSame(Rig.Train(4, new Strategy { Stage = stage % 3 + 1, ShardSize = 2 }), actual);
        foreach (var (name, values) in expected.Weights)
            for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], actual.Weights[name][i], 2e-5);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_module_gets_its_parameters_back(int stage) => World.Run(2, world =>
    {
        set_num_threads(1);
        using var model = Rig.Net();
        float[] whole;
        using (var sharded = new ShardedModel(model, new Strategy { Stage = stage, UnitBytes = 1 }, world.Group))
        {
            using (sharded.Gather()) whole = model.get_parameter("second.weight")!.data<float>().ToArray();
            sharded.Restore();
        }
        Assert.Equal(whole, model.get_parameter("second.weight")!.data<float>().ToArray());
        using var scope = TensorScope.Open();
        Backward.Run(model.call(ones(2, 12)).sum());
        model.zero_grad();
    }, Rig.Options);

    [Fact]
    public void A_model_of_the_meta_device_is_made_unit_by_unit() => World.Run(2, world =>
    {
        set_num_threads(1);
        using var model = new Own(META, 512);
        var largest = 0L;
        using var sharded = new ShardedModel(model, Zero.Stage3 with { UnitBytes = 1 }, world.Group, (name, parameter) => parameter.fill_(name.Length + world.Rank));
        largest = sharded.Ledger.TotalPeak;
        using var value = sharded.FullParameter("first.weight");
        Assert.All(value.data<float>().ToArray(), v => Assert.Equal("first.weight".Length, v));
        Assert.True(model.get_parameter("first.weight")!.device_type == DeviceType.META);
        Assert.True(largest < model.parameters().Sum(p => p.numel() * 4), $"{largest}");
    }, Rig.Options);

    [Fact]
    public void A_released_parameter_says_that_its_values_are_not_here() => World.Run(2, world =>
    {
        using var model = Rig.Net();
        using var sharded = new ShardedModel(model, Zero.Stage3 with { UnitBytes = 1 }, world.Group);
        using var scope = TensorScope.Open();
        var weight = model.get_parameter("second.weight")!;
        Assert.Equal([24, 24], weight.shape);
        // libtorch computes shapes with it; the engine says what is wrong before backward.
        var loss = functional.linear(ones(2, 24), weight).sum();
        var error = Assert.Throws<InvalidOperationException>(() => sharded.ThrowIfReleased(loss));
        Assert.Contains("outside the call of its unit", error.Message, StringComparison.Ordinal);
    }, Rig.Options);

    static Sequential Frozen(string prefix)
    {
        var net = Rig.Net();
        foreach (var (name, parameter) in net.named_parameters())
            if (name.StartsWith(prefix, StringComparison.Ordinal)) parameter.requires_grad_(false);
        return net;
    }

    sealed class Tied : Module<Tensor, Tensor>
    {
        readonly Linear first = Linear(12, 12);
        readonly LayerNorm norm = LayerNorm(12);
        readonly Linear last = Linear(12, 5);

        public Tied() : base("tied") => RegisterComponents();

        public override Tensor forward(Tensor input) => last.call(functional.linear(norm.call(functional.gelu(first.call(input))), first.weight!));
    }

    sealed class Twice : Module<Tensor, Tensor>
    {
        readonly Linear first = Linear(12, 12);
        readonly Linear last = Linear(12, 5);

        public Twice() : base("twice") => RegisterComponents();

        public override Tensor forward(Tensor input) => last.call(first.call(functional.gelu(first.call(input))));
    }

    sealed class Own : Module<Tensor, Tensor>
    {
        readonly Linear first;
        readonly Linear second;
        readonly Parameter scale;

        public Own(Device? device = null, int width = 24) : base("own")
        {
            first = Linear(12, width, device: device);
            second = Linear(width, 5, device: device);
            scale = new Parameter(ones(width, device: device));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => second.call(functional.gelu(first.call(input)) * scale);
    }

    sealed class Pairs : Module<Tensor, Tensor>
    {
        readonly Join join = new();
        readonly Linear last = Linear(24, 5);

        public Pairs() : base("pairs") => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var (a, b) = join.call(input, input * 2);
            return last.call(a * b);
        }

        sealed class Join : Module<Tensor, Tensor, (Tensor, Tensor)>
        {
            readonly Linear left = Linear(12, 24);
            readonly Linear right = Linear(12, 24);

            public Join() : base("join") => RegisterComponents();

            public override (Tensor, Tensor) forward(Tensor a, Tensor b) => (left.call(a), right.call(b));
        }
    }

    sealed class Unused : Module<Tensor, Tensor>
    {
        readonly Linear first = Linear(12, 24);
        readonly Linear idle = Linear(24, 24);
        readonly Linear last = Linear(24, 5);

        public Unused() : base("unused") => RegisterComponents();

        public override Tensor forward(Tensor input) => last.call(functional.gelu(first.call(input)));
    }

    sealed class Branches : Module<Tensor, Tensor>
    {
        readonly Linear first = Linear(12, 24);
        readonly Linear left = Linear(24, 24);
        readonly Linear right = Linear(24, 24);
        readonly Linear last = Linear(24, 5);

        public Branches() : base("branches") => RegisterComponents();

        public override Tensor forward(Tensor input) => Run(input, 0);

        public Tensor Run(Tensor input, int way)
        {
            var x = first.call(input);
            if (way is 0 or 2) x = left.call(x);
            if (way is 1 or 2) x = right.call(functional.gelu(x));
            return last.call(x);
        }
    }
}
