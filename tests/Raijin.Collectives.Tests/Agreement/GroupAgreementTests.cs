using CsCheck;

namespace Raijin.Collectives.Tests.Agreement;

public sealed class GroupAgreementTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Ranks_vote(int size) => World.Run(size, world =>
    {
        Assert.True(world.Group.AnyRank(world.Rank == size - 1));
        Assert.False(world.Group.AnyRank(false));
        Assert.True(world.Group.AllRanks(true));
        Assert.Equal(size == 1, world.Group.AllRanks(world.Rank == 0));
    });

    [Fact]
    public void Agreement_is_one_collective_of_a_hash() => World.Run(3, world =>
    {
        world.Group.AgreeOn("the options", new string('x', 1_000_000));
        Assert.Equal(1, world.Group.Traffic.TotalCalls);
        Assert.Equal(96, world.Group.Traffic.Bytes(CollectiveKind.AllGather));
    });

    [Fact]
    public void What_differs_is_shown_on_every_rank()
    {
        var errors = World.Run(4, world =>
        {
            var error = Record.Exception(() => world.Group.AgreeOn("the options", world.Rank switch
            {
                1 => "depth: 6\nwidth: 384\nlearningRate: 0.0002",
                3 => "depth: 6\nbias: false\nwidth: 384\nlearningRate: 0.0001",
                _ => "depth: 6\nwidth: 384\nlearningRate: 0.0001",
            }));
            // Nothing is broken: what crossed was alike.
            world.Group.Barrier();
            return error;
        });
        const string Expected = """
            Ranks disagree on the options: start all with the same.
              - ranks 0, 2
              + rank 1
                - learningRate: 0.0001
                + learningRate: 0.0002
              - ranks 0, 2
              + rank 3
                + bias: false
            """;
        foreach (var error in errors)
        {
            var disagreement = Assert.IsType<DisagreementException>(error);
            Assert.Equal(Expected, disagreement.Message);
            Assert.Equal([1, 3], disagreement.Ranks);
            Assert.Equal("the options", disagreement.Subject);
        }
    }

    [Fact]
    public void Ranks_that_ask_about_different_subjects_are_told()
    {
        var errors = World.Run(2, world => Record.Exception(() => world.Group.AgreeOn(world.Rank == 0 ? "the model" : "the options", "the same text")));
        Assert.All(errors, e => Assert.Contains("- the model\n    + the options", Assert.IsType<DisagreementException>(e).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_long_difference_is_cut()
    {
        var errors = World.Run(2, world => Record.Exception(() => world.Group.AgreeOn("the model", string.Join('\n', Enumerable.Range(0, 50).Select(i => $"layer {i}: {world.Rank}")))));
        Assert.All(errors, e => Assert.EndsWith("… and 80 lines more", e!.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_difference_turns_one_text_into_the_other() => Gen.Select(Gen.Int[0, 3].Array[0, 12], Gen.Int[0, 3].Array[0, 12]).Sample((a, b) =>
    {
        var difference = LineDifference.Between(string.Join('\n', a), string.Join('\n', b));
        var (removed, added) = (difference.Count(l => l[0] == '-'), difference.Count(l => l[0] == '+'));
        var (left, right) = (string.Join('\n', a).Split('\n'), string.Join('\n', b).Split('\n'));
        Assert.Equal(right.Length - left.Length, added - removed);
        Assert.Equal(left.Length - Shared(left, right), removed);
    });

    // The longest common sequence, by recursion.
    static int Shared(ReadOnlySpan<string> a, ReadOnlySpan<string> b)
    {
        var best = new int[b.Length + 1];
        foreach (var line in a)
        {
            var diagonal = 0;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = best[j];
                best[j] = line == b[j - 1] ? diagonal + 1 : Math.Max(best[j], best[j - 1]);
                diagonal = above;
            }
        }
        return best[^1];
    }
}
