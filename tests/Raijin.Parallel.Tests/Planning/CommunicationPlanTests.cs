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
        Assert.Equal([new(CollectiveKind.AllReduce, BufferKind.Gradients, 8, 4 * Parameters)], CommunicationPlan.Of(Shape, Zero.Stage0, 8).Traffic);
        foreach (var strategy in (Strategy[])[Zero.Stage1, Zero.Stage2])
            Assert.Equal([new(CollectiveKind.ReduceScatter, BufferKind.Gradients, 8, 4 * Parameters), new(CollectiveKind.AllGather, BufferKind.Parameters, 8, 4 * Parameters)], CommunicationPlan.Of(Shape, strategy, 8).Traffic);
        Assert.Equal(
            [new(CollectiveKind.AllGather, BufferKind.Parameters, 8, 4 * Parameters), new(CollectiveKind.AllGather, BufferKind.Parameters, 8, 4 * Parameters), new(CollectiveKind.ReduceScatter, BufferKind.Gradients, 8, 4 * Parameters)],
            CommunicationPlan.Of(Shape, Zero.Stage3, 8).Traffic);
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
        Assert.Equal(Parameters / 8, CommunicationPlan.Of(Shape, Zero.Stage0 with { GradientCodec = GradientCodec.OneBit }, 8, Mixed).BytesOf(CollectiveKind.AllReduce));
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
