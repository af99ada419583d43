using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>Units that compute twice, in every way of dividing a model: the same bits and the same calls between ranks as units that keep.</summary>
public sealed class RecomputeTests
{
    const int Steps = 20;
    static readonly GptOptions Small = new() { Vocabulary = 61, Context = 16, Layers = 3, Heads = 2, Width = 32, Dropout = 0 };

    public static TheoryData<int, Strategy> Ways() => new()
    {
        { 1, Zero.Stage0 },
        { 2, Zero.Stage0 },
        { 2, Zero.Stage1 },
        { 2, Zero.Stage2 },
        { 2, Zero.Stage3 },
        { 2, Zero.Stage3 with { PrefetchUnits = 1 } },
        { 2, Zero.Stage3 with { StaticGraph = true } },
        { 4, Zero.Stage3 with { SecondaryShardSize = 2 } },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_gpt_trains_with_the_bits_and_the_calls_of_one_that_keeps(int ranks, Strategy strategy)
    {
        var plain = Train(ranks, strategy, recompute: false);
        var again = Train(ranks, strategy, recompute: true);
        AssertSame(plain, again);
        Assert.Equal(Small.Layers * Steps, plain.Blocks);
        Assert.Equal(2 * Small.Layers * Steps, again.Blocks);
    }

    [Fact]
    public void Parameters_on_disk_too()
    {
        using var folder = new TemporaryFolder();
        var strategy = Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["a"]) };
        AssertSame(Train(2, strategy, recompute: false), Train(2, Zero.Stage3 with { OffloadParameters = Tier.Disk(folder["b"]) }, recompute: true));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void Gradients_of_microbatches_add_up_as_ever(int stage) =>
        AssertSame(Train(2, new Strategy { Stage = stage }, recompute: false, accumulate: 3), Train(2, new Strategy { Stage = stage }, recompute: true, accumulate: 3));

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_block_used_twice_and_a_norm_over_all_ranks(int stage)
    {
        var strategy = new Strategy { Stage = stage, SyncBatchNorm = true };
        AssertSame(Train(2, strategy, recompute: false, make: () => new Looped()), Train(2, strategy, recompute: true, make: () => new Looped()));
    }

    [Fact]
    public void Units_are_the_blocks_a_model_names_and_else_those_that_keep_more_than_they_give()
    {
        using var gpt = new Gpt(Small);
        using var named = new RecomputedUnits(gpt, Zero.Stage0);
        Assert.Equal(["transformer.h.0", "transformer.h.1", "transformer.h.2"], named.Names);

        using var net = Sequential(("embed", Linear(4, 4)), ("block", Sequential(Linear(4, 8), GELU(), Linear(8, 4))), ("encoder", TransformerEncoderLayer(4, 2, 8)), ("head", Linear(4, 2)));
        using var cut = new RecomputedUnits(net, Zero.Stage0);
        Assert.Equal(["block", "encoder"], cut.Names);
    }

    [Fact]
    public void An_evaluation_computes_once_and_a_disposed_watch_no_more()
    {
        using var scope = NewDisposeScope();
        using var gpt = new Gpt(Small);
        var blocks = Count(gpt);
        var tokens = zeros(1, 4, ScalarType.Int64);
        var units = new RecomputedUnits(gpt, Zero.Stage0);
        using (no_grad()) gpt.call(tokens);
        Assert.Equal(3, blocks());
        Backward.Run(gpt.Loss(tokens, tokens));
        Assert.Equal(9, blocks());
        units.Dispose();
        Backward.Run(gpt.Loss(tokens, tokens));
        Assert.Equal(12, blocks());
    }

    [Fact]
    public void What_a_block_throws_leaves_nothing_behind()
    {
        using var scope = NewDisposeScope();
        using var net = new Looped();
        using var units = new RecomputedUnits(net, Zero.Stage0);
        var x = rand(3, 12);
        net.Fails = true;
        Assert.Throws<InvalidDataException>(() => net.call(x));
        net.Fails = false;
        Backward.Run(net.call(x).sum());
        Assert.All(net.parameters(), p => Assert.True(p.requires_grad && GradientAccess.HasGradient(p)));
    }

    [Fact]
    public void By_hand_around_a_unit_of_stage_3_is_refused_with_the_remedy() => World.Run(2, world =>
    {
        using var scope = NewDisposeScope();
        using var net = new Looped();
        using var sharded = new ShardedModel(net, Zero.Stage3, world.Group);
        var error = Assert.Throws<InvalidOperationException>(() => Recompute.Run(net.call, rand(3, 12), net));
        Assert.Contains("the option recompute", error.Message, StringComparison.Ordinal);
    }, Rig.Options);

    [Fact]
    public void Memory_is_that_of_the_inputs_and_of_one_block()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        using var gpt = new Gpt(Small with { Layers = 8, Width = 64, Context = 64 });
        var tokens = zeros(8, 64, ScalarType.Int64);
        var plain = Peak();
        using var units = new RecomputedUnits(gpt, Zero.Stage0);
        var again = Peak();
        tokens.Dispose();
        Assert.True(again < 0.4 * plain, $"{plain} bytes, recomputed {again}");

        long Peak()
        {
            using var scope = TensorScope.Open();
            using var meter = AllocationMeter.Open();
            Backward.Run(gpt.Loss(tokens, tokens));
            gpt.zero_grad();
            return meter.PeakBytes;
        }
    }

    [Fact]
    public void A_recorded_step_knows_the_second_forward_pass_and_the_memory_it_saves()
    {
        Assert.SkipWhen(StepRecording.Unavailable is not null, StepRecording.Unavailable ?? "");
        using var gpt = new Gpt(Small);
        using var tokens = zeros(4, 16, ScalarType.Int64);
        var plain = Record();
        using var units = new RecomputedUnits(gpt, Zero.Stage0);
        var again = Record();
        // A block: 12 d² of products a token, and scores and mixing of as many tokens as there are.
        var products = Small.Layers * 4 * 16 * 2.0 * 12 * 32 * 32;
        Assert.Equal(plain.Forward.Sum(op => op.Flops), again.Forward.Sum(op => op.Flops));
        Assert.Equal(products, Products(again) - Products(plain));
        Assert.True(again.Flops - plain.Flops > products);
        Assert.True(again.ActivationBytes < plain.ActivationBytes);

        static double Products(StepWork work) => work.Backward.Where(op => op.Kind == WorkKind.Product).Sum(op => op.Flops);

        StepWork Record() => StepRecording.Record(4, () => gpt.Loss(tokens, tokens), () =>
        {
            foreach (var parameter in gpt.parameters()) GradientAccess.ClearGradient(parameter);
        });
    }

    /// <summary>A block that is called twice in a pass, and one with a batch norm.</summary>
    sealed class Looped : Module<Tensor, Tensor>, IShardable
    {
        readonly Module<Tensor, Tensor> _in = Linear(12, 16);
        readonly Sequential _twice = Sequential(("up", Linear(16, 32)), ("gelu", GELU()), ("down", Linear(32, 16)));
        readonly Sequential _norm = Sequential(("linear", Linear(16, 16)), ("batch", BatchNorm1d(16)), ("gelu", GELU()));
        readonly Module<Tensor, Tensor> _out = Linear(16, 5);

        public Looped() : base(nameof(Looped)) => RegisterComponents();

        public ShardingPlan ShardingPlan => new() { Units = ["_twice", "_norm"] };

        public bool Fails { get; set; }

        public override Tensor forward(Tensor x)
        {
            var h = _twice.call(_in.call(x));
            if (Fails) throw new InvalidDataException();
            return _out.call(_twice.call(_norm.call(h)));
        }
    }

    sealed record Outcome(double[] Losses, Dictionary<string, float[]> Values, List<string> Calls, int Blocks);

    // Calls of blocks' first layers: hooks on the blocks themselves are not told of the second time.
    static Func<int> Count(Module model)
    {
        var calls = 0;
        foreach (var block in model.modules().OfType<GptBlock>()) ((Module<Tensor, Tensor>)block.named_children().First().module).register_forward_pre_hook((_, x) => { calls++; return x; });
        return () => calls;
    }

    static Outcome Train(int ranks, Strategy strategy, bool recompute, int accumulate = 1, Func<Module<Tensor, Tensor>>? make = null)
    {
        var models = Enumerable.Range(0, ranks).Select(r =>
        {
            Seed.Everything(r);
            return make?.Invoke() ?? new Gpt(Small);
        }).ToArray();
        var random = new Random(5);
        using var tokens = tensor(Enumerable.Range(0, 8 * 17).Select(_ => (long)random.Next(Small.Vocabulary)).ToArray(), [8, 17]);
        using var samples = tensor(Enumerable.Range(0, 8 * 12).Select(_ => (float)random.NextDouble()).ToArray(), [8, 12]);
        try
        {
            return World.Run(ranks, world =>
            {
                set_num_threads(1);
                var model = models[world.Rank];
                var blocks = Count(model);
                using var units = recompute ? new RecomputedUnits(model, strategy) : null;
                using var sharded = new ShardedModel(model, strategy, world.Group);
                using var optimizer = sharded.CreateOptimizer(new Tensors.AdamW(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 0.01)]);
                var losses = new double[Steps];
                for (var step = 0; step < Steps; step++)
                {
                    for (var micro = 0; micro < accumulate; micro++)
                    {
                        using var scope = TensorScope.Open();
                        using var quiet = micro < accumulate - 1 ? sharded.NoSync() : null;
                        var loss = Loss(model, world);
                        Backward.Run(loss);
                        if (quiet is null || strategy.Stage >= 2) sharded.FinishBackward();
                        losses[step] += loss.to(ScalarType.Float64).item<double>();
                    }
                    optimizer.Step();
                    optimizer.ClearGradients();
                }
                var state = sharded.StateDict();
                var values = state.ToDictionary(s => s.Key, s => { using var wide = s.Value.to(ScalarType.Float32); return wide.data<float>().ToArray(); });
                foreach (var value in state.Values) value.Dispose();
                return new Outcome(losses, values, [.. sharded.Ledger.Crossings.Select(c => $"{c.Key}: {c.Value}").Order()], blocks());
            }, Rig.Options)[0];
        }
        finally
        {
            foreach (var model in models) model.Dispose();
        }

        Tensor Loss(Module<Tensor, Tensor> model, World world)
        {
            if (model is not Gpt gpt) return model.call(samples.chunk(world.Size)[world.Rank]).square().mean();
            var mine = tokens.chunk(world.Size)[world.Rank];
            return gpt.Loss(mine[.., ..16], mine[.., 1..]);
        }
    }

    static void AssertSame(Outcome expected, Outcome actual)
    {
        Assert.Equal(expected.Losses, actual.Losses);
        Assert.True(expected.Losses[^1] < expected.Losses[0], $"{expected.Losses[0]} to {expected.Losses[^1]}");
        Assert.Equal(expected.Values.Keys.Order(), actual.Values.Keys.Order());
        foreach (var (name, values) in expected.Values) Assert.True(values.AsSpan().SequenceEqual(actual.Values[name]), $"{name} differs");
        Assert.Equal(expected.Calls, actual.Calls);
    }
}
