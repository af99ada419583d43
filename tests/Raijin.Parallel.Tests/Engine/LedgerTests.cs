using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>Bytes held and bytes moved, against ZeRO's formulas (Rajbhandari et al. 2020, §5 and §7).</summary>
public sealed class LedgerTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(1, 4)]
    [InlineData(2, 4)]
    [InlineData(3, 4)]
    public void Adam_in_mixed_precision_holds_what_the_formulas_say(int stage, int ranks)
    {
        var (ledger, psi, largest) = Step(ranks, new Strategy { Stage = stage, UnitBytes = 1 }, width: 2368);
        Assert.InRange(psi, 10_000_000, 12_000_000);
        var expected = stage switch
        {
            0 => 16.0 * psi,
            1 => (4.0 * psi) + (12.0 * psi / ranks),
            2 => (2.0 * psi) + (14.0 * psi / ranks),
            _ => 16.0 * psi / ranks,
        };
        var held = ledger.TotalHeld - ledger.Held(BufferKind.Bucket);
        Assert.InRange(held, expected, expected * 1.02);
        // Beside it: one bucket in which gradients are reduced, and in stage 3 the units that are gathered at once.
        Assert.InRange(ledger.Held(BufferKind.Bucket), 0, stage >= 2 ? largest : 0);
        Assert.InRange(ledger.Peak(BufferKind.Gathered), 0, stage == 3 ? 2 * largest : 0);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    public void A_step_moves_two_or_three_times_the_parameters(int stage, int times)
    {
        var (ledger, _, _) = Step(2, new Strategy { Stage = stage, UnitBytes = 1 });
        var padded = ledger.Crossings.Where(c => c.Key.Kind == BufferKind.Gradients).Sum(c => c.Value.Bytes);
        Assert.Equal(times * padded, ledger.Volume);
        var units = 4;
        Assert.Equal(stage == 0 ? units : 0, ledger.Crossed(BufferKind.Gradients, CollectiveKind.AllReduce).Calls);
        Assert.Equal(stage == 0 ? 0 : units, ledger.Crossed(BufferKind.Gradients, CollectiveKind.ReduceScatter).Calls);
        Assert.Equal(stage switch { 0 => 0, 3 => 2 * units, _ => units }, ledger.Crossed(BufferKind.Parameters, CollectiveKind.AllGather).Calls);
    }

    [Fact]
    public void Gradients_on_a_wire_of_half_the_width_move_half_the_bytes()
    {
        var whole = Step(2, new Strategy { UnitBytes = 1 }, ScalarType.Float32).Ledger;
        var half = Step(2, new Strategy { UnitBytes = 1, GradientWire = ScalarType.BFloat16 }, ScalarType.Float32).Ledger;
        Assert.Equal(whole.Volume, 2 * half.Volume);
    }

    [Fact]
    public void Zero_plus_plus_moves_three_quarters_of_a_model_between_nodes_where_stage_3_moves_three()
    {
        // bf16 parameters that fill their buffers, four ranks in nodes of two. M = 2Ψ bytes; Wang et al. 2023, table 1: 3M becomes 0.5M + 0 + 0.25M. Scales come beside: 4 bytes for each block of 256 of a slice, of weights and of gradients.
        static Sequential Net() => Sequential(("a", Linear(64, 512)), ("b", Linear(512, 512)), ("c", Linear(512, 256)));
        long[] units = [512 * 65, 512 * 513, 256 * 513];
        var m = 2 * units.Sum();
        var scales = units.Sum(u => 4 * 4 * (((u / 4) + 255) / 256));

        var plain = Step(4, Zero.Stage3 with { UnitBytes = 1 }, make: Net).Ledger;
        Assert.Equal((3 * m, 3 * m), (plain.NodeVolume, plain.Volume));
        var near = Step(4, Zero.Stage3 with { UnitBytes = 1, SecondaryShardSize = 2 }, make: Net).Ledger;
        Assert.Equal((2 * m, 3 * m), (near.NodeVolume, near.Volume));
        Assert.Equal((m / 2, m / 4), (near.Held(BufferKind.Secondary), near.Held(BufferKind.Parameters)));

        var all = Step(4, Zero.Stage3 with { UnitBytes = 1, SecondaryShardSize = 2, WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4 }, make: Net).Ledger;
        Assert.Equal((m / 2) + scales, all.Crossed(BufferKind.Parameters, CollectiveKind.AllGather).NodeBytes);
        Assert.Equal((m / 4) + scales, all.Crossed(BufferKind.Gradients, CollectiveKind.AllToAll).NodeBytes);
        Assert.Equal((3 * m / 4) + (2 * scales), all.NodeVolume);
        // In one hop every rank of a node sends what now only one does.
        var flat = Step(4, Zero.Stage3 with { UnitBytes = 1, GradientCodec = GradientCodec.Int4 }, make: Net).Ledger;
        Assert.Equal((m / 4) + scales, flat.Crossed(BufferKind.Gradients, CollectiveKind.AllToAll).Bytes);
    }

    /// <summary>One step of an MLP, of half a million parameters at its usual width; the books of rank 0 from after it was divided.</summary>
    static (Ledger Ledger, long NumParameters, long LargestUnitBytes) Step(int ranks, Strategy strategy, ScalarType dtype = ScalarType.BFloat16, int width = 512, Func<Sequential>? make = null)
    {
        var results = World.Run(ranks, world =>
        {
            set_num_threads(1);
            using var model = make?.Invoke() ?? Sequential(("a", Linear(width / 8, width)), ("b", Linear(width, width)), ("c", Linear(width, width * 3 / 4)), ("d", Linear(width * 3 / 4, 8)));
            model.to(dtype);
            using var sharded = new ShardedModel(model, strategy, world.Group);
            var count = model.parameters().Sum(p => p.numel());
            using var optimizer = sharded.CreateOptimizer(new Tensors.AdamW(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-3)]);
            sharded.Ledger.ResetCrossings();
            using (TensorScope.Open())
            {
                Backward.Run(model.call(ones(4, width / 8, dtype)).mean());
                sharded.FinishBackward();
            }
            optimizer.Step();
            optimizer.ClearGradients();
            var copy = sharded.Ledger.Snapshot();
            return (copy, count, model.parameters().Max(p => p.numel()) * 2 * 105 / 100);
        }, Rig.Options);
        return results[0];
    }
}
