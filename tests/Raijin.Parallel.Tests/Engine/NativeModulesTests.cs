using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>TorchSharp's own layers, some of which libtorch computes with parameters that it holds itself.</summary>
public sealed class NativeModulesTests
{
    const int Steps = 5;
    const double Rate = 0.05;

    public static TheoryData<string> Kinds => [.. Makers.Keys];

    static readonly Dictionary<string, Func<Device, Layers>> Makers = new()
    {
        ["Linear and LayerNorm"] = device => new Dense(device),
        ["Conv2d"] = device => new Images(device),
        ["Embedding"] = device => new Words(device),
        ["LSTM"] = device => new Sequences(device, nn.LSTM(6, 6, batchFirst: true, device: device)),
        ["GRU"] = device => new Sequences(device, nn.GRU(6, 6, batchFirst: true, device: device)),
        ["RNN"] = device => new Sequences(device, nn.RNN(6, 6, batchFirst: true, device: device)),
        ["MultiheadAttention"] = device => new Attends(device, nn.MultiheadAttention(6, 2)),
        ["TransformerEncoder"] = device => new Encodes(device, nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, dropout: 0), 2)),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void They_train_in_stage_3_as_in_plain_TorchSharp(string kind)
    {
        using var scope = NewDisposeScope();
        var expected = TrainPlainly(kind);
        // Every rank sees the same samples: the mean of equal gradients is each of them.
        var models = new[] { Make(kind, CPU), Make(kind, CPU) };
        var results = World.Run(2, world => Train(world, models[world.Rank], initialize: null), Rig.Options);
        foreach (var model in models) model.Dispose();
        AssertClose(expected, results[0]);
    }

    [Fact]
    public void Computed_again_they_train_with_the_bits_of_stage_3_too()
    {
        using var scope = NewDisposeScope();
        var results = new[] { false, true }.Select(again =>
        {
            var models = new[] { Make("TransformerEncoder", CPU), Make("TransformerEncoder", CPU) };
            var result = World.Run(2, world =>
            {
                using var units = again ? new RecomputedUnits(models[world.Rank], Zero.Stage3 with { UnitBytes = 1 }) : null;
                Assert.NotEmpty(units?.Names ?? [""]);
                return Train(world, models[world.Rank], initialize: null);
            }, Rig.Options)[0];
            foreach (var model in models) model.Dispose();
            return result;
        }).ToList();
        foreach (var (name, values) in results[0]) Assert.True(values.AsSpan().SequenceEqual(results[1][name]), $"{name} differs");
    }

    [Theory]
    [InlineData("Linear and LayerNorm")]
    [InlineData("Conv2d")]
    public void From_the_meta_device_too(string kind)
    {
        using var scope = NewDisposeScope();
        var expected = TrainPlainly(kind);
        var start = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        using (var made = Make(kind, CPU))
            foreach (var (name, value) in made.state_dict()) start[name] = value.detach().clone();
        var models = new[] { Make(kind, META), Make(kind, META) };
        var results = World.Run(2, world => Train(world, models[world.Rank], (name, parameter) => parameter.copy_(start[name])), Rig.Options);
        foreach (var model in models) model.Dispose();
        AssertClose(expected, results[0]);
    }

    [Theory]
    [InlineData("Embedding", "'table' (Embedding)")]
    [InlineData("LSTM", "'recurrent' (LSTM)")]
    [InlineData("GRU", "'recurrent' (GRU)")]
    [InlineData("RNN", "'recurrent' (RNN)")]
    public void Those_that_hold_their_parameters_themselves_are_refused_there(string kind, string named) => World.Run(2, world =>
    {
        using var model = Make(kind, META);
        var error = Assert.Throws<NotSupportedException>(() => new ShardedModel(model, Zero.Stage3 with { UnitBytes = 1 }, world.Group, (_, parameter) => parameter.zero_()));
        Assert.StartsWith(named, error.Message, StringComparison.Ordinal);
    }, Rig.Options);

    static Layers Make(string kind, Device device)
    {
        Seed.Everything(11);
        return Makers[kind](device);
    }

    static Dictionary<string, float[]> TrainPlainly(string kind)
    {
        set_num_threads(1);
        using var model = Make(kind, CPU);
        using var optimizer = optim.SGD(model.parameters(), Rate);
        for (var step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            model.Loss().backward();
            optimizer.step();
        }
        return model.state_dict().ToDictionary(s => s.Key, s => Values(s.Value), StringComparer.Ordinal);
    }

    static Dictionary<string, float[]> Train(World world, Layers model, Action<string, Tensor>? initialize)
    {
        set_num_threads(1);
        using var sharded = new ShardedModel(model, Zero.Stage3 with { UnitBytes = 1 }, world.Group, initialize);
        using var optimizer = sharded.CreateOptimizer(new Sgd(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), Rate)]);
        for (var step = 0; step < Steps; step++)
        {
            using (TensorScope.Open())
            {
                var loss = model.Loss();
                sharded.ThrowIfReleased(loss);
                Backward.Run(loss);
                sharded.FinishBackward();
            }
            optimizer.Step();
            optimizer.ClearGradients();
        }
        var state = sharded.StateDict();
        var values = state.ToDictionary(s => s.Key, s => Values(s.Value), StringComparer.Ordinal);
        foreach (var tensor in state.Values) tensor.Dispose();
        return values;
    }

    static float[] Values(Tensor tensor)
    {
        using var wide = tensor.detach().to(ScalarType.Float32);
        return wide.data<float>().ToArray();
    }

    // TorchSharp multiplies and adds, the fused kernel in one rounding.
    static void AssertClose(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, values) in expected)
            for (var i = 0; i < values.Length; i++) Assert.True(Math.Abs(values[i] - actual[name][i]) <= 2e-6 * Math.Max(1, Math.Abs(values[i])), $"{name}[{i}]: {values[i]:r} and {actual[name][i]:r}");
    }

    /// <summary>Layers under a loss over the same samples in each step, called as a whole.</summary>
    abstract class Layers(string name) : Module<Tensor, Tensor>(name)
    {
        protected abstract Tensor Input();

        public Tensor Loss() => call(Input()).square().mean();

        protected static Tensor Wave(params long[] shape) => linspace(-2, 2, shape.Aggregate(1L, (a, b) => a * b)).cos().view(shape);
    }

    sealed class Dense : Layers
    {
        readonly Linear first;
        readonly LayerNorm norm;
        readonly Linear last;

        public Dense(Device device) : base("dense")
        {
            (first, norm, last) = (Linear(6, 10, device: device), LayerNorm(10, device: device), Linear(10, 3, device: device));
            RegisterComponents();
        }

        protected override Tensor Input() => Wave(4, 6);

        public override Tensor forward(Tensor input) => last.call(norm.call(functional.gelu(first.call(input))));
    }

    sealed class Images : Layers
    {
        readonly Conv2d first;
        readonly Conv2d last;

        public Images(Device device) : base("images")
        {
            (first, last) = (Conv2d(2, 4, 3, device: device), Conv2d(4, 1, 1, device: device));
            RegisterComponents();
        }

        protected override Tensor Input() => Wave(2, 2, 5, 5);

        public override Tensor forward(Tensor input) => last.call(functional.relu(first.call(input)));
    }

    sealed class Words : Layers
    {
        readonly Embedding table;
        readonly Linear last;

        public Words(Device device) : base("words")
        {
            (table, last) = (Embedding(9, 6, device: device), Linear(6, 3, device: device));
            RegisterComponents();
        }

        protected override Tensor Input() => arange(8, ScalarType.Int64).view(2, 4);

        public override Tensor forward(Tensor input) => last.call(table.call(input));
    }

    sealed class Sequences : Layers
    {
        readonly Module recurrent;
        readonly Linear last;

        public Sequences(Device device, Module made) : base("sequences")
        {
            (recurrent, last) = (made, Linear(6, 3, device: device));
            RegisterComponents();
        }

        protected override Tensor Input() => Wave(2, 4, 6);

        public override Tensor forward(Tensor input) => last.call(recurrent switch
        {
            LSTM lstm => lstm.call(input).Item1,
            GRU gru => gru.call(input).Item1,
            _ => ((RNN)recurrent).call(input).Item1,
        });
    }

    sealed class Attends : Layers
    {
        readonly MultiheadAttention attention;
        readonly Linear last;

        public Attends(Device device, MultiheadAttention made) : base("attends")
        {
            (attention, last) = (made, Linear(6, 3, device: device));
            RegisterComponents();
        }

        protected override Tensor Input() => Wave(4, 2, 6);

        public override Tensor forward(Tensor input) => last.call(attention.call(input, input, input, null, true, null).Item1);
    }

    sealed class Encodes : Layers
    {
        readonly TorchSharp.Modules.TransformerEncoder encoder;
        readonly Linear last;

        public Encodes(Device device, TorchSharp.Modules.TransformerEncoder made) : base("encodes")
        {
            (encoder, last) = (made, Linear(6, 3, device: device));
            RegisterComponents();
        }

        protected override Tensor Input() => Wave(4, 2, 6);

        public override Tensor forward(Tensor input) => last.call(encoder.call(input, null, null));
    }
}
