using CsCheck;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests;

public sealed class MemoryPlanTests
{
    static readonly PlanOptions Mixed = new() { Precision = Precision.BFloat16 };

    [Theory]
    [InlineData(0, 120.0)]
    [InlineData(1, 31.4)]
    [InlineData(2, 16.6)]
    [InlineData(3, 1.9)]
    public void State_of_7500M_parameters_on_64_ranks_is_as_in_the_paper_of_ZeRO(int stage, double gigabytes)
    {
        var plan = MemoryPlan.Of(ModelShape.Even(7_500_000_000, 32), new Strategy { Stage = stage }, 64, Mixed);
        Assert.Equal(gigabytes, Math.Round(State(plan) / 1e9, 1));
    }

    [Theory]
    [InlineData(1, 757)]
    [InlineData(2, 631)]
    [InlineData(3, 504)]
    public void State_of_63M_float32_parameters_on_two_ranks_is_the_ideal(int stage, double megabytes) =>
        Assert.Equal(megabytes, State(MemoryPlan.Of(ModelShape.Even(63_045_120, 8), new Strategy { Stage = stage }, 2)) / 1e6, 0.6);

    [Fact]
    public void State_follows_the_formulas_for_any_model() =>
        Gen.Select(Gen.Long[1, 1_000_000_000], Gen.Int[1, 100], Gen.Int[1, 512]).Sample((parameters, units, ranks) =>
        {
            var shape = ModelShape.Even(parameters, units);
            double psi = parameters, n = ranks;
            foreach (var (options, expected) in ((PlanOptions, double[])[])
            [
                (Mixed, [16 * psi, 4 * psi + 12 * psi / n, 2 * psi + 14 * psi / n, 16 * psi / n]),
                (new PlanOptions(), [16 * psi, 8 * psi + 8 * psi / n, 4 * psi + 12 * psi / n, 16 * psi / n]),
                (new PlanOptions { Precision = Precision.BFloat16Autocast }, [16 * psi, 8 * psi + 8 * psi / n, 4 * psi + 12 * psi / n, 16 * psi / n]),
                (Mixed.For(new Lion()), [12 * psi, 4 * psi + 8 * psi / n, 2 * psi + 10 * psi / n, 12 * psi / n]),
                (new PlanOptions().For(new Sgd()), [8 * psi, 8 * psi, 4 * psi + 4 * psi / n, 8 * psi / n]),
            ])
            {
                for (var stage = 0; stage <= 3; stage++)
                {
                    // Each unit leaves less than a byte-weighted element a rank.
                    var state = State(MemoryPlan.Of(shape, new Strategy { Stage = stage }, ranks, options));
                    Assert.InRange(state - expected[stage], -1, 16.0 * units);
                }
            }
        });

    [Fact]
    public void Offload_moves_bytes_and_loses_none() =>
        Gen.Select(Gen.Long[1, 1_000_000_000], Gen.Int[2, 64], Gen.Double[0, 1]).Sample((parameters, ranks, ratio) =>
        {
            var shape = ModelShape.Even(parameters, 8);
            var whole = MemoryPlan.Of(shape, Zero.Stage3, ranks, Mixed);
            var offloaded = MemoryPlan.Of(shape, Zero.Stage3 with { OffloadOptimizer = Tier.Disk("scratch"), OffloadParameters = Tier.Host, OffloadRatio = ratio }, ranks, Mixed);
            Assert.Equal(whole.TotalBytes, offloaded.TotalBytes - offloaded.BytesOf(BufferKind.Staging));
            Assert.Equal(offloaded.TotalBytes, offloaded.DeviceBytes + offloaded.HostBytes + offloaded.DiskBytes);
            Assert.Equal(whole.BytesOf(BufferKind.Parameters), offloaded.HostBytes);
            Assert.InRange(offloaded.DiskBytes - ratio * whole.BytesOf(BufferKind.OptimizerState), -1, 1);
            Assert.Equal((whole.TotalBytes, 0, 0), (whole.DeviceBytes, whole.HostBytes, whole.DiskBytes));
        });

    [Fact]
    public void What_is_gathered_is_the_rest_two_units_and_those_ahead()
    {
        var shape = new ModelShape { Units = [new("h.0", 100, 100), new("h.1", 300, 300), new("h.2", 200, 200)], Rest = new("", 50, 50) };
        long Gathered(Strategy strategy, int ranks) => MemoryPlan.Of(shape, strategy, ranks, Mixed).BytesOf(BufferKind.Gathered);
        Assert.Equal((50 + 300 + 200 + 100) * 2, Gathered(Zero.Stage3, 4));
        Assert.Equal((50 + 300 + 200) * 2, Gathered(Zero.Stage3 with { PrefetchUnits = 0 }, 4));
        Assert.Equal((50 + 300 + 200 + 100) * 2, Gathered(Zero.Stage3 with { OffloadParameters = Tier.Host }, 1));
        Assert.Equal((0, 0), (Gathered(Zero.Stage3, 1), Gathered(Zero.Stage2, 4)));
        var host = MemoryPlan.Of(shape, Zero.Stage3, 4, Mixed with { ComputesOnHost = true });
        Assert.Equal(((50 + 300 + 200) * 2, 300 * 2), (host.BytesOf(BufferKind.Gathered), host.BytesOf(BufferKind.Bucket)));
        var kept = MemoryPlan.Of(shape with { KeepsRest = true }, Zero.Stage3, 4, Mixed);
        Assert.Equal(((300 + 200 + 100) * 2, (25 + 75 + 50 + 50) * 2), (kept.BytesOf(BufferKind.Gathered), kept.BytesOf(BufferKind.Parameters)));
    }

    [Fact]
    public void What_lies_on_a_disk_passes_through_the_shards_of_a_few_units_and_through_tiles()
    {
        const long Million = 1 << 20;
        var shape = new ModelShape { Units = [.. Enumerable.Range(0, 9).Select(i => new UnitShape($"h.{i}", Million, Million))], Rest = new("", 3 * Million, 3 * Million), KeepsRest = true };
        var disk = Tier.Disk("scratch");
        MemoryPlan Plan(Strategy strategy, ModelShape? of = null) => MemoryPlan.Of(of ?? shape, strategy, 4, Mixed);
        var parameters = Plan(Zero.Stage3 with { OffloadParameters = disk });
        // One unit is used, one written, one read, and one fetched ahead. What is in no unit stays whole in memory.
        Assert.Equal((4 * Million / 4 * 2, 9 * Million / 4 * 2), (parameters.BytesOf(BufferKind.Staging), parameters.DiskBytes));
        Assert.Equal(3 * Million * 2, Plan(Zero.Stage3 with { OffloadParameters = disk }).Buffers.Single(b => b.Kind == BufferKind.Parameters && b.Tier == Tier.Device).Bytes);
        Assert.Equal(5 * Million / 4 * 2, Plan(Zero.Stage3 with { OffloadParameters = disk, PrefetchUnits = 2 }).BytesOf(BufferKind.Staging));
        Assert.Equal(3 * (3 * Million / 4) * 2, Plan(Zero.Stage3 with { OffloadParameters = disk, PrefetchUnits = 0 }, shape with { KeepsRest = false }).BytesOf(BufferKind.Staging));
        // 3 M elements of a rank with 12 bytes each fit one lease; with parameters that come and go there is one for each of three units, as large as the largest.
        Assert.Equal(3 * Million * 12, Plan(Zero.Stage3 with { OffloadOptimizer = disk }).BytesOf(BufferKind.Staging));
        Assert.Equal(3 * (3 * Million / 4 * 12) + parameters.BytesOf(BufferKind.Staging), Plan(Zero.Stage3 with { OffloadOptimizer = disk, OffloadParameters = disk }).BytesOf(BufferKind.Staging));
        // And no more than all leases together.
        Assert.Equal(192 << 20, Plan(Zero.Stage1 with { OffloadOptimizer = disk }, ModelShape.Even(1_000_000_000, 10)).BytesOf(BufferKind.Staging));
        Assert.Equal(0, Plan(Zero.Stage3 with { OffloadOptimizer = Tier.Host, OffloadParameters = Tier.Host }).BytesOf(BufferKind.Staging));
    }

    [Fact]
    public void Gradients_are_reduced_in_two_buffers_of_the_largest_unit()
    {
        var shape = new ModelShape { Units = [new("h.0", 1000, 1000), new("h.1", 3000, 3000)] };
        long Bucket(int stage, int ranks = 2) => MemoryPlan.Of(shape, new Strategy { Stage = stage }, ranks).BytesOf(BufferKind.Bucket);
        Assert.Equal([24_000, 24_000], [Bucket(2), Bucket(3)]);
        Assert.Equal([0, 0, 0], [Bucket(0), Bucket(1), Bucket(2, ranks: 1)]);
    }

    [Fact]
    public void Frozen_parameters_have_neither_gradients_nor_state()
    {
        var shape = new ModelShape { Units = [new("h.0", 1000, 0), new("h.1", 1000, 10)] };
        var plan = MemoryPlan.Of(shape, Zero.Stage0, 2, Mixed);
        Assert.Equal((2000 * 2, 10 * 2, 10 * 12), (plan.BytesOf(BufferKind.Parameters), plan.BytesOf(BufferKind.Gradients), plan.BytesOf(BufferKind.OptimizerState)));
    }

    [Fact]
    public void With_hybrid_sharding_the_group_divides()
    {
        var shape = ModelShape.Even(1 << 20, 4);
        Assert.Equal(MemoryPlan.Of(shape, Zero.Stage3, 4).Buffers, MemoryPlan.Of(shape, Zero.Stage3 with { ShardSize = 4 }, 64).Buffers);
    }

    [Fact]
    public void Second_shards_are_a_nodes_part_of_what_is_divided()
    {
        var shape = new ModelShape { Units = [new("h.0", 100, 100), new("h.1", 301, 301)], Rest = new("", 50, 50) };
        var near = Zero.Stage3 with { SecondaryShardSize = 4 };
        Assert.Equal((25 + 76 + 13) * 2, MemoryPlan.Of(shape, near, 8, Mixed).BytesOf(BufferKind.Secondary));
        Assert.Equal((25 + 76) * 2, MemoryPlan.Of(shape with { KeepsRest = true }, near, 8, Mixed).BytesOf(BufferKind.Secondary));
        Assert.Equal(0, MemoryPlan.Of(shape, Zero.Stage3, 8, Mixed).BytesOf(BufferKind.Secondary));
    }

    [Fact]
    public void All_faults_are_reported_at_once()
    {
        var strategy = new Strategy { Stage = 4, ShardSize = 3, OffloadRatio = 2, OffloadThreads = 0, OffloadParameters = Tier.Host };
        var error = Assert.Throws<InvalidOptionsException>(() => MemoryPlan.Of(ModelShape.Even(1, 1), strategy, 8, new PlanOptions { StateBytes = -1, Microbatches = 0 }));
        Assert.Equal(["plan.stateBytes", "plan.microbatches", "strategy.stage", "strategy.shardSize", "strategy.offloadRatio", "strategy.offloadThreads", "strategy.offloadParameters"], error.Faults.Select(f => f.Key));
        Assert.Throws<InvalidOptionsException>(() => CommunicationPlan.Of(ModelShape.Even(1, 1), Zero.Stage0, 0));
    }

    [Fact]
    public void Slots_that_depend_on_shapes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new PlanOptions().For(new Adafactor()));
        Assert.Throws<ArgumentException>(() => new PlanOptions().For(new Muon()));
        Assert.Equal(12, new PlanOptions().For(new AdamW(AmsGrad: true)).StateBytes);
    }

    [Fact]
    public void The_shape_of_a_module_is_that_of_its_units()
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(GptOptions.Tiny, META);
        var shape = ModelShape.Of(model);
        Assert.Equal(GptOptions.Tiny.NumParameters, shape.NumParameters);
        Assert.Equal([new UnitShape("transformer.h.0", 12_704, 12_704), new UnitShape("transformer.h.1", 12_704, 12_704)], shape.Units);
        Assert.Equal(new UnitShape("", (256 + 64) * 32 + 64, (256 + 64) * 32 + 64), shape.Rest);
        Assert.False(shape.KeepsRest);
        Assert.Equal(shape.Units, ModelShape.Of([.. model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter.numel()))]).Units);

        foreach (var parameter in model.parameters().Take(2)) parameter.requires_grad = false;
        Assert.Equal((GptOptions.Tiny.NumParameters, GptOptions.Tiny.NumParameters - 320 * 32), (ModelShape.Of(model).NumParameters, ModelShape.Of(model).NumTrained));

        using var wrapped = nn.Sequential(("inner", model));
        Assert.Equal(["inner.transformer.h.0", "inner.transformer.h.1"], ModelShape.Of(wrapped).Units.Select(u => u.Name).Order());
        Assert.Equal(shape.Rest.NumParameters, ModelShape.Of(wrapped).Rest.NumParameters);
        using var layers = nn.Sequential(("a", nn.Linear(9, 9, device: META)), ("b", nn.Linear(9, 2, device: META)));
        Assert.Equal(["a", "b"], ModelShape.Of(layers, Zero.Stage3 with { UnitBytes = 1 }).Units.Select(u => u.Name).Order());
        using var undivided = nn.Linear(2, 3, device: META);
        Assert.Equal((0, 9), (ModelShape.Of(undivided).Units.Count, ModelShape.Of(undivided).Rest.NumParameters));
    }

    static double State(MemoryPlan plan) => plan.BytesOf(BufferKind.Parameters) + plan.BytesOf(BufferKind.Gradients) + plan.BytesOf(BufferKind.OptimizerState);
}
