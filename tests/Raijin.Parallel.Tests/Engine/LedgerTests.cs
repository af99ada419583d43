using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp;
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

    /// <summary>One step of an MLP, of half a million parameters at its usual width; the books of rank 0 from after it was divided.</summary>
    static (Ledger Ledger, long NumParameters, long LargestUnitBytes) Step(int ranks, Strategy strategy, ScalarType dtype = ScalarType.BFloat16, int width = 512)
    {
        var results = World.Run(ranks, world =>
        {
            set_num_threads(1);
            using var model = Sequential(("a", Linear(width / 8, width)), ("b", Linear(width, width)), ("c", Linear(width, width * 3 / 4)), ("d", Linear(width * 3 / 4, 8)));
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
