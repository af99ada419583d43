using CsCheck;

namespace Raijin.Parallel.Tests.Checkpoints;

public sealed class ShardPlanTests
{
    [Fact]
    public void Whatever_ranks_hold_each_element_is_written_once_by_one_who_has_it() => Layouts.Any.Sample(layout =>
    {
        var held = layout.Held();
        var plan = ShardPlan.Make("x", held, layout.SplitBytes);
        Assert.Equal(layout.Tensors.Select(t => t.Name), plan.Select(p => p.Tensor.Name));
        foreach (var (tensor, slices) in plan)
        {
            var end = 0L;
            foreach (var slice in slices)
            {
                Assert.Equal(end, slice.Start);
                Assert.True(slice.Count > 0);
                Assert.Contains(held[slice.Rank], h => h.Name == slice.Name && h.Start <= slice.Start && h.Start + h.Count >= slice.Start + slice.Count);
                end += slice.Count;
            }
            Assert.Equal(tensor.Shape.Aggregate(1L, (a, b) => a * b), end);
        }
    });

    [Fact]
    public void What_all_hold_is_divided_among_all()
    {
        HeldSlice[] model = [new("model/embedding", "F32", [4000, 1000], 0, 4_000_000), .. Enumerable.Range(0, 40).Select(i => new HeldSlice($"model/{i:D2}", "BF16", [1000], 0, 1000))];
        var plan = ShardPlan.Make("x", [model, model, model, model]);
        var bytes = plan.SelectMany(p => p.Slices.Select(s => (s.Rank, Bytes: s.Count * (p.Tensor.Dtype == "F32" ? 4 : 2)))).GroupBy(s => s.Rank).Select(g => g.Sum(s => s.Bytes)).ToArray();
        Assert.Equal([4_020_000, 4_020_000, 4_020_000, 4_020_000], bytes);
        Assert.Equal(4, plan.Single(p => p.Tensor.Name == "model/embedding").Slices.Count);
        Assert.All(plan.Where(p => p.Tensor.Name != "model/embedding"), p => Assert.Single(p.Slices));
    }

    [Fact]
    public void What_one_rank_alone_holds_counts_for_its_share()
    {
        var shared = Enumerable.Range(0, 10).Select(i => new HeldSlice($"model/{i}", "F32", [100], 0, 100)).ToArray();
        var plan = ShardPlan.Make("x", [[new("model/own", "F32", [2000], 0, 2000), .. shared], shared]);
        Assert.All(plan.Where(p => p.Tensor.Name != "model/own"), p => Assert.Equal(1, Assert.Single(p.Slices).Rank));
    }

    static readonly (string Expected, HeldSlice[][] Held)[] Faults =
    [
        ("rank 0 has [4] F32, rank 1 has [4] BF16", [[new("m/a", "F32", [4], 0, 4)], [new("m/a", "BF16", [4], 0, 4)]]),
        ("rank 0 has [4] F32, rank 1 has [2, 2] F32", [[new("m/a", "F32", [4], 0, 4)], [new("m/a", "F32", [2, 2], 0, 4)]]),
        ("no rank holds its elements 2 to 3", [[new("m/a", "F32", [4], 0, 2)], [new("m/a", "F32", [4], 3, 1)]]),
        ("no rank holds its elements 0 to 1", [[new("m/a", "F32", [4], 1, 3)], []]),
        ("no rank holds its elements 3 to 4", [[new("m/a", "F32", [4], 0, 3)], []]),
        ("no rank holds its elements 0 to 4", [[new("m/a", "F32", [4], 0, 0)], []]),
        ("rank 1 gives the elements from 2 twice", [[], [new("m/a", "F32", [4], 0, 3), new("m/a", "F32", [4], 2, 2)]]),
        ("rank 0 gives 4 elements from 1, which are not inside its 4", [[new("m/a", "F32", [4], 1, 4)], []]),
        ("rank 0 gives 4 elements from -1", [[new("m/a", "F32", [4], -1, 4)], []]),
        ("no tensor has the shape [-4]", [[new("m/a", "F32", [-4], 0, 4)], []]),
        ("no tensor has the shape [4294967296, 4294967296]", [[new("m/a", "F32", [1L << 32, 1L << 32], 0, 4)], []]),
        ("named stem/name", [[new("a", "F32", [4], 0, 4)], []]),
        ("named stem/name", [[new("../a", "F32", [4], 0, 4)], []]),
        ("named stem/name", [[new("shard-00000/a", "F32", [4], 0, 4)], []]),
    ];

    [Fact]
    public void What_ranks_do_not_agree_on_is_named()
    {
        foreach (var (expected, held) in Faults) Assert.Contains(expected, Assert.Throws<CheckpointException>(() => ShardPlan.Make("x", held)).Message, StringComparison.Ordinal);
    }
}
