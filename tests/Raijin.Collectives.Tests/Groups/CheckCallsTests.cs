using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Groups;

/// <summary>Ranks that call differently are told so, all of them, with everybody's call.</summary>
public sealed class CheckCallsTests
{
    static readonly GroupOptions Checked = new() { CheckCalls = true, Deadline = TimeSpan.FromSeconds(30) };

    // What ranks 0 and 2 do, and what rank 1 does.
    static readonly (string Name, string Reason, string[] Lines, Action<Group> Most, Action<Group> One)[] Cases =
    [
        ("operations", "different operations", ["rank 0  AllReduce Sum of 8 × Float32", "rank 1  Barrier"], g => g.AllReduce(zeros(8)), g => g.Barrier()),
        ("order", "different operations", ["rank 1  Broadcast of 3 × Float32 at root 0"], g => { g.AllReduce(zeros(3)); g.Broadcast(zeros(3), 0); }, g => { g.Broadcast(zeros(3), 0); g.AllReduce(zeros(3)); }),
        ("sizes", "different sizes", ["rank 0  AllReduce Sum of 1,000 × Float32", "rank 1  AllReduce Sum of 999 × Float32"], g => g.AllReduce(zeros(1000)), g => g.AllReduce(zeros(999))),
        ("types", "different types", ["rank 0  AllReduce Sum of 8 × Float32", "rank 1  AllReduce Sum of 8 × BFloat16"], g => g.AllReduce(zeros(8)), g => g.AllReduce(zeros(8, ScalarType.BFloat16))),
        ("reductions", "different reductions", ["rank 0  AllReduce Sum of 8", "rank 1  AllReduce Max of 8"], g => g.AllReduce(zeros(8)), g => g.AllReduce(zeros(8), ReduceOp.Max)),
        ("wires", "different types on the wire", ["rank 1  AllReduce Sum of 8 × Float32 over BFloat16"], g => g.AllReduce(zeros(8)), g => g.AllReduce(zeros(8), wire: ScalarType.BFloat16)),
        ("roots", "different roots", ["rank 0  Broadcast of 8 × Float32 at root 0", "rank 1  Broadcast of 8 × Float32 at root 1"], g => g.Broadcast(zeros(8), 0), g => g.Broadcast(zeros(8), 1)),
        ("counts", "different counts", ["rank 0  AllGather of 2 → 9 × Float32, output by [2, 3, 4]", "rank 1  AllGather of 3 → 9 × Float32, output by [3, 3, 3]"], g => g.AllGather(zeros(2 + g.Rank), zeros(9), [2, 3, 4]), g => g.AllGather(zeros(3), zeros(9), [3, 3, 3])),
        ("counts of a reduce-scatter", "different counts", ["rank 1  ReduceScatter Sum of 9 → 2 × Float32, input by [4, 2, 3]"], g => g.ReduceScatter(zeros(9), zeros(3), counts: [3, 3, 3]), g => g.ReduceScatter(zeros(9), zeros(2), counts: [4, 2, 3])),
        ("a part gathered", "rank 1 gives 3 elements, but the root has 4 for it", ["rank 1  Gather of 3 × Float32 at root 0"], g => g.Gather(zeros(4), g.Rank == 0 ? zeros(12) : null, 0), g => g.Gather(zeros(3), null, 0)),
        ("a part scattered", "rank 1 takes 1 elements, but the root has 2 for it", ["rank 0  Scatter of 6 → 1 × Float32 at root 0, input by [1, 2, 3]"], g => g.Scatter(g.Rank == 0 ? zeros(6) : null, zeros(g.Rank + 1), 0, g.Rank == 0 ? [1, 2, 3] : null), g => g.Scatter(null, zeros(1), 0)),
        ("an exchange", "rank 0 gives rank 1 2 elements, which takes 1", ["output by [1, 2, 3]"], g => g.AllToAll(zeros(6), zeros(6)), g => g.AllToAll(zeros(6), zeros(6), [2, 2, 2], [1, 2, 3])),
        ("allocations", "different sizes", ["rank 0  Allocate 64 × Float32", "rank 1  Allocate 65 × Float32"], g => g.Allocate(64, ScalarType.Float32).Dispose(), g => g.Allocate(65, ScalarType.Float32).Dispose()),
        ("an allocation and a call", "different operations", ["rank 0  Allocate 64 × Float32", "rank 1  Barrier"], g => g.Allocate(64, ScalarType.Float32).Dispose(), g => g.Barrier()),
        ("parts", "rank 0 wants a part with rank 1, which wants another", ["rank 0  Split [0, 1, 2] named part", "rank 1  Split [1] named part"], g => g.Split([0, 1, 2], "part").Dispose(), g => g.Split([1], "part").Dispose()),
        ("names of parts", "different names", ["rank 1  Split [0, 1, 2] named another"], g => g.Split([0, 1, 2], "part").Dispose(), g => g.Split([0, 1, 2], "another").Dispose()),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_mismatch_is_the_same_error_on_every_rank(string name)
    {
        var (_, reason, lines, most, one) = Cases.Single(c => c.Name == name);
        var errors = World.Run(3, world =>
        {
            using var scope = TensorScope.Open();
            world.Group.AllReduce(zeros(2));
            world.Group.Barrier();
            var error = Record.Exception(() => (world.Rank == 1 ? one : most)(world.Group));
            Assert.Contains("part at number 2", Assert.ThrowsAny<CollectiveException>(() => world.Group.Barrier()).Message, StringComparison.Ordinal);
            return error;
        }, Checked);
        foreach (var error in errors)
        {
            var mismatch = Assert.IsType<CollectiveMismatchException>(error);
            Assert.Equal(2, mismatch.Sequence);
            Assert.Contains($"The calls of the ranks of group world part at number 2: {reason}.", mismatch.Message, StringComparison.Ordinal);
            Assert.All(lines, line => Assert.Contains(line, mismatch.Message, StringComparison.Ordinal));
            Assert.Contains("       0  AllReduce Sum of 2 × Float32\n       1  Barrier\n", mismatch.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Calls_under_way_are_checked_too()
    {
        var errors = World.Run(2, world =>
        {
            using var scope = TensorScope.Open();
            world.Group.AllReduceAsync(zeros(5));
            var error = Record.Exception(() => world.Group.AllReduceAsync(zeros(5 + world.Rank)));
            return error;
        }, Checked);
        Assert.All(errors, e => Assert.IsType<CollectiveMismatchException>(e));
    }

    [Fact]
    public void Counts_that_fit_pass() => World.Run(3, world =>
    {
        using var scope = TensorScope.Open();
        var (g, r) = (world.Group, world.Rank);
        g.Gather(zeros(r), r == 1 ? zeros(3) : null, 1, r == 1 ? [0, 1, 2] : null);
        g.Scatter(r == 2 ? zeros(3) : null, zeros(r), 2, r == 2 ? [0, 1, 2] : null);
        g.AllToAll(zeros(3 * r), zeros(3), [r, r, r], [0, 1, 2]);
        using var part = g.Split(r == 0 ? [0] : [2, 1], r == 0 ? "part" : "part");
        part.Barrier();
        using var memory = g.Allocate(10, ScalarType.Int32);
        g.AllReduce(memory);
        Assert.Equal(4, g.Traffic.TotalCalls);
    }, Checked);

    [Fact]
    public void A_message_that_does_not_fit_is_told_to_both()
    {
        var errors = World.Run(2, world =>
        {
            using var scope = TensorScope.Open();
            if (world.Rank == 1) return Record.Exception(() => world.Group.Receive(zeros(4), 0));
            var sent = Record.Exception(() => world.Group.Send(zeros(3, ScalarType.Int32), 1));
            return sent;
        }, Checked);
        Assert.IsType<CollectiveMismatchException>(errors[1]);
        Assert.All(errors, e => Assert.Contains("rank 0 makes Send of 3 × Int32 to rank 1, rank 1 makes Receive of 4 × Float32 from rank 0", e!.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Messages_that_cross_each_other_pass_the_check() => World.Run(2, world =>
    {
        using var scope = TensorScope.Open();
        var other = 1 - world.Rank;
        var sent = world.Group.SendAsync(full(70_000, world.Rank, ScalarType.Int32), other);
        var got = zeros(70_000, ScalarType.Int32);
        world.Group.Receive(got, other);
        sent.Wait();
        Assert.Equal(other, got[69_999].item<int>());
    }, Checked);
}
