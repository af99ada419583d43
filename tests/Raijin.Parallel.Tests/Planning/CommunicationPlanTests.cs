using CsCheck;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests;

public sealed class CommunicationPlanTests
{
    const long Parameters = 1_000_000;

    static readonly ModelShape Shape = ModelShape.Even(Parameters, 10);
    static readonly PlanOptions Mixed = new() { Precision = Precision.BFloat16 };

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    public void A_step_moves_two_models_and_three_in_stage_3(int stage, long times)
    {
        Assert.Equal(times * 4 * Parameters, CommunicationPlan.Of(Shape, new Strategy { Stage = stage }, 8).MovedBytes);
        Assert.Equal(times * 2 * Parameters, CommunicationPlan.Of(Shape, new Strategy { Stage = stage }, 8, Mixed).MovedBytes);
        Assert.Empty(CommunicationPlan.Of(Shape, new Strategy { Stage = stage }, 1).Traffic);
    }

    [Fact]
    public void Each_stage_makes_its_calls()
    {
        Assert.Equal([All(CollectiveKind.AllReduce, BufferKind.Gradients)], CommunicationPlan.Of(Shape, Zero.Stage0, 8).Traffic);
        foreach (var strategy in (Strategy[])[Zero.Stage1, Zero.Stage2])
            Assert.Equal([All(CollectiveKind.ReduceScatter, BufferKind.Gradients), All(CollectiveKind.AllGather, BufferKind.Parameters)], CommunicationPlan.Of(Shape, strategy, 8).Traffic);
        Assert.Equal(
            [All(CollectiveKind.AllGather, BufferKind.Parameters), All(CollectiveKind.AllGather, BufferKind.Parameters), All(CollectiveKind.ReduceScatter, BufferKind.Gradients)],
            CommunicationPlan.Of(Shape, Zero.Stage3, 8).Traffic);

        static PlannedTraffic All(CollectiveKind kind, BufferKind what) => new(kind, what, 8, 4 * Parameters, 4 * Parameters);
    }

    [Fact]
    public void A_narrow_wire_and_codecs_shrink_what_crosses()
    {
        var wire = CommunicationPlan.Of(Shape, Zero.Stage1 with { GradientWire = ScalarType.BFloat16 }, 8);
        Assert.Equal((2 * Parameters, 4 * Parameters), (wire.BytesOf(CollectiveKind.ReduceScatter), wire.BytesOf(CollectiveKind.AllGather)));

        // ZeRO++, M = 2Ψ bytes: of 3M, gathers of parameters fall from M to M/2 each, and gradients from M to M/4.
        var plan = CommunicationPlan.Of(Shape, Zero.Stage3 with { WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4 }, 8, Mixed);
        const double m = 2 * Parameters;
        Assert.Equal([0.5 * m, 0.5 * m, 0.25 * m], plan.Traffic.Select(t => (double)t.Bytes));
        Assert.Equal(
            [(CollectiveKind.AllToAll, Parameters / 8), (CollectiveKind.AllGather, Parameters / 8)],
            CommunicationPlan.Of(Shape, Zero.Stage0 with { GradientCodec = GradientCodec.OneBit }, 8, Mixed).Traffic.Select(t => (t.Kind, t.Bytes)));
    }

    [Fact]
    public void Zero_plus_plus_takes_three_quarters_of_a_model_out_of_a_node()
    {
        const long m = 2 * Parameters;
        var strategy = Zero.Stage3 with { SecondaryShardSize = 4, WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4 };
        var plan = CommunicationPlan.Of(Shape, strategy, 16, Mixed);
        Assert.Equal(
            [
                new(CollectiveKind.AllGather, BufferKind.Parameters, 16, m / 2, m / 2),
                new(CollectiveKind.AllGather, BufferKind.Parameters, 4, m, 0),
                new(CollectiveKind.AllToAll, BufferKind.Gradients, 4, m / 4, 0),
                new PlannedTraffic(CollectiveKind.AllToAll, BufferKind.Gradients, 4, m / 16, m / 4),
            ],
            plan.Traffic);
        Assert.Equal(3 * m / 4, plan.NodeBytes);
        Assert.Equal(3 * m, CommunicationPlan.Of(Shape, Zero.Stage3, 16, Mixed).NodeBytes);
        Assert.Equal(2 * m, CommunicationPlan.Of(Shape, Zero.Stage3 with { SecondaryShardSize = 4 }, 16, Mixed).NodeBytes);
        // Coded in one hop, every rank of a node has a quarter of a model for ranks outside it.
        Assert.Equal(m / 4, CommunicationPlan.Of(Shape, Zero.Stage2 with { GradientCodec = GradientCodec.Int4 }, 16, Mixed).BytesOf(CollectiveKind.AllToAll));
        // Later microbatches find the second shards; all ranks on one node leave it with nothing.
        Assert.Equal(m + (4 * m), CommunicationPlan.Of(Shape, Zero.Stage3 with { SecondaryShardSize = 4 }, 16, Mixed with { Microbatches = 4 }).NodeBytes);
        Assert.Equal(0, CommunicationPlan.Of(Shape, strategy with { SecondaryShardSize = 16 }, 16, Mixed).NodeBytes);
        // Copies on other nodes: every rank of a node has its part for them, an all-reduce of m / 4.
        Assert.Equal(2 * m, CommunicationPlan.Of(Shape, Zero.Stage3 with { SecondaryShardSize = 4, ShardSize = 4 }, 16, Mixed).NodeBytes);
    }

    [Fact]
    public void Microbatches_repeat_what_a_stage_does_for_each()
    {
        var options = Mixed with { Microbatches = 4 };
        long[] Bytes(int stage)
        {
            var plan = CommunicationPlan.Of(Shape, new Strategy { Stage = stage }, 8, options);
            return [plan.BytesOf(CollectiveKind.AllReduce), plan.BytesOf(CollectiveKind.ReduceScatter), plan.BytesOf(CollectiveKind.AllGather)];
        }
        const long m = 2 * Parameters;
        Assert.Equal([m, 0, 0], Bytes(0));
        Assert.Equal([0, m, m], Bytes(1));
        Assert.Equal([0, 4 * m, m], Bytes(2));
        Assert.Equal([0, 4 * m, 8 * m], Bytes(3));
    }

    [Fact]
    public void Copies_of_the_state_exchange_their_slices_too() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[1, 8], Gen.Int[1, 3]).Sample((size, copies, stage) =>
        {
            var plan = CommunicationPlan.Of(Shape, new Strategy { Stage = stage, ShardSize = size }, size * copies);
            Assert.Equal(copies > 1 ? 4 * ((Parameters + size - 1) / size) : 0, plan.BytesOf(CollectiveKind.AllReduce));
            Assert.All(plan.Traffic, t => Assert.Equal(t.Kind == CollectiveKind.AllReduce ? copies : size, t.Ranks));
            Assert.Equal(size > 1 ? 4 * Parameters : 0, plan.BytesOf(CollectiveKind.ReduceScatter));
        });

    [Fact]
    public void What_stays_whole_in_stage_3_is_brought_together_after_the_update_as_in_the_others()
    {
        var shape = new ModelShape { Units = [new("h.0", 1000, 1000)], Rest = new("", 100, 100), KeepsRest = true };
        Assert.Equal(
            [(CollectiveKind.AllGather, 4000L), (CollectiveKind.AllGather, 4000L), (CollectiveKind.ReduceScatter, 4400L), (CollectiveKind.AllGather, 400L)],
            CommunicationPlan.Of(shape, Zero.Stage3, 4).Traffic.Select(t => (t.Kind, t.Bytes)));
    }

    [Fact]
    public void Nothing_is_exchanged_of_what_is_frozen()
    {
        var shape = new ModelShape { Units = [new("h.0", 1000, 0), new("h.1", 1000, 100)] };
        Assert.Equal([(CollectiveKind.ReduceScatter, 400L), (CollectiveKind.AllGather, 400L)], CommunicationPlan.Of(shape, Zero.Stage2, 4).Traffic.Select(t => (t.Kind, t.Bytes)));
        Assert.Equal(8000 * 2 + 400, CommunicationPlan.Of(shape, Zero.Stage3, 4).MovedBytes);
    }
}
