using Raijin.Collectives;
using Raijin.Testing;

namespace Raijin.Training.Tests.Ranks;

/// <summary>What ranks took stands beside what was planned.</summary>
public sealed class RankUsageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_fit_tells_what_was_held_and_what_crossed(int stage)
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(100);
        // An evaluation after each step: what it gathers is not a step's.
        var results = RankFit.Run(
            2, _ => Fixture.Quiet() with { Output = folder["run"], MaxEpochs = 2, Validate = Every.Steps(2), Strategy = RankFit.Stage(stage) }, set.Split(validation: 0.2).Batches(8), rank => new PlainClassifier { Rank = rank });
        var usage = results[0].Result.Ranks!;
        Assert.Equal((2, TransportKind.InProcess), (usage.Ranks, usage.Transport));
        Assert.All(usage.Memory, m => Assert.InRange(m.Held, 0, m.Peak));
        // Tensors begin on cache lines, which a plan does not count: of a small model they are a good part.
        foreach (var memory in usage.Memory) Assert.InRange(memory.Peak, memory.Planned!.Value, memory.Planned.Value * 4);
        (BufferKind, CollectiveKind)[] expected = stage switch
        {
            0 => [(BufferKind.Gradients, CollectiveKind.AllReduce)],
            _ => [(BufferKind.Parameters, CollectiveKind.AllGather), (BufferKind.Gradients, CollectiveKind.ReduceScatter)],
        };
        Assert.Equal(expected, usage.Traffic.Select(t => (t.What, t.Kind)));
        // In stage 3 each parameter is gathered twice for a step, and in no other place is it gathered once.
        foreach (var traffic in usage.Traffic)
        {
            var padded = usage.Memory.Single(m => m.Kind == BufferKind.Gradients).Held * (stage >= 2 ? 2 : 1);
            Assert.Equal(padded * (stage == 3 && traffic.What == BufferKind.Parameters ? 2 : 1), traffic.Crossed);
            Assert.InRange(traffic.Crossed, traffic.Planned!.Value, traffic.Planned.Value * 4);
        }
        var card = RunCard.Read(folder["run"])!.Ranks!;
        Assert.Equal(usage.Memory, card.Memory);
        Assert.Equal(usage.Traffic, card.Traffic);
    }

    [Fact]
    public void Who_trains_alone_has_nothing_to_tell()
    {
        using var set = Fixture.Blobs(20);
        Assert.Null(RankFit.Run(1, _ => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 1 }, set.Split(validation: 0.2).Batches(8))[0].Result.Ranks);
    }
}
