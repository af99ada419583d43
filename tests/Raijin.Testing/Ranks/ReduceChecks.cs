using Raijin.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace Raijin.Testing;

/// <summary>Reductions against plain libtorch in float64.</summary>
static class ReduceChecks
{
    static readonly ReduceOp[] Exact = [ReduceOp.Sum, ReduceOp.Min, ReduceOp.Max, ReduceOp.Product];

    public static IReadOnlyList<GroupCheck> All { get; } =
    [
        new("reductions of every type and size equal the oracle", EveryType),
        new("means equal the oracle", Means),
        new("a narrow wire sums in float32 and rounds once", NarrowWire),
        new("NaN wins minima and maxima", NotANumber),
        new("sums take the ranks in their order, and all ranks get the same bits", RankOrder),
        new("reduce-scatter then all-gather equals all-reduce, bitwise", Composition),
        new("megabytes are reduced", Large),
        new("allocated memory is zeroed, reduced in place, and free to be made again", Allocated),
        new("allocated memory belongs to the scope that is open", AllocatedInScopes),
    ];

    static void EveryType(World world)
    {
        foreach (var dtype in RankValues.Reduced)
            foreach (var op in Exact)
                foreach (var n in op == ReduceOp.Sum ? RankValues.SizesOf(dtype) : [257]) AllReductions(world, dtype, op, n, Oracle(RankValues.OfAll(world.Size, n * world.Size, dtype), op).to(dtype));
    }

    static void AllReductions(World world, ScalarType dtype, ReduceOp op, long n, Tensor expected)
    {
        using var scope = TensorScope.Open();
        var (group, whole) = (world.Group, n * world.Size);
        var all = RankValues.Of(world.Rank, whole, dtype);
        group.AllReduce(all, op);
        RankValues.AssertEqual(expected, all, $"AllReduce {op}");

        var root = world.Size - 1;
        var rooted = RankValues.Of(world.Rank, whole, dtype);
        group.Reduce(rooted, root, op);
        if (world.Rank == root) RankValues.AssertEqual(expected, rooted, $"Reduce {op}");

        var part = zeros(n, dtype);
        group.ReduceScatter(RankValues.Of(world.Rank, whole, dtype), part, op);
        RankValues.AssertEqual(expected.narrow(0, world.Rank * n, n), part, $"ReduceScatter {op}");

        var own = RankValues.Of(world.Rank, whole, dtype);
        group.ReduceScatter(own, own.narrow(0, world.Rank * n, n), op);
        RankValues.AssertEqual(expected.narrow(0, world.Rank * n, n), own.narrow(0, world.Rank * n, n), $"ReduceScatter {op} in place");

        var counts = RankValues.Uneven(world.Size, n);
        var (length, start) = (counts.Sum(), RankValues.Before(counts, world.Rank));
        var uneven = zeros(counts[world.Rank], dtype);
        group.ReduceScatter(RankValues.Of(world.Rank, length, dtype), uneven, op, counts: counts);
        RankValues.AssertEqual(Oracle(RankValues.OfAll(world.Size, length, dtype), op).to(dtype).narrow(0, start, counts[world.Rank]), uneven, $"ReduceScatter {op} by counts");
    }

    static void Means(World world)
    {
        foreach (var (dtype, tolerance) in new[] { (ScalarType.Float64, 1e-15), (ScalarType.Float32, 1e-7), (ScalarType.BFloat16, 0.01), (ScalarType.Float16, 0.001) })
        {
            var mean = RankValues.Of(world.Rank, 1000, dtype);
            world.Group.AllReduce(mean, ReduceOp.Mean);
            var expected = Oracle(RankValues.OfAll(world.Size, 1000, dtype), ReduceOp.Sum).div(world.Size);
            Assert.True(mean.to(ScalarType.Float64).sub(expected).abs().max().item<double>() <= tolerance * 3, $"mean of {dtype}");
        }
    }

    static void NarrowWire(World world)
    {
        foreach (var (wire, unit) in new[] { (ScalarType.BFloat16, 1.0 / 256), (ScalarType.Float16, 1.0 / 2048) })
        {
            var exact = RankValues.Of(world.Rank, 3_001, ScalarType.Float32);
            world.Group.AllReduce(exact, ReduceOp.Sum, wire);
            RankValues.AssertEqual(Oracle(RankValues.OfAll(world.Size, 3_001, ScalarType.Float32), ReduceOp.Sum).to(ScalarType.Float32), exact, $"AllReduce over {wire}");

            // Each value is rounded once on its way in, and the sum once on its way out.
            var all = Enumerable.Range(0, world.Size).Select(r => RankValues.Rough(r, 3_001, ScalarType.Float32).to(ScalarType.Float64)).ToList();
            var bound = (all.Aggregate(zeros(3_001, ScalarType.Float64), (sum, t) => sum + t.abs()) * (2 * unit)) + 1e-6;
            var mine = RankValues.Rough(world.Rank, 3_001, ScalarType.Float32);
            world.Group.AllReduce(mine, ReduceOp.Sum, wire);
            Assert.True(mine.to(ScalarType.Float64).sub(Oracle(all, ReduceOp.Sum)).abs().le(bound).all().item<bool>(), $"AllReduce over {wire} strays further than two roundings");
            OrderChecks.AssertSameBits(world.Group, mine);

            var part = zeros(500, ScalarType.Float32);
            world.Group.ReduceScatter(RankValues.Of(world.Rank, 500 * world.Size, ScalarType.Float32), part, ReduceOp.Sum, wire);
            RankValues.AssertEqual(Oracle(RankValues.OfAll(world.Size, 500 * world.Size, ScalarType.Float32), ReduceOp.Sum).to(ScalarType.Float32).narrow(0, world.Rank * 500, 500), part, $"ReduceScatter over {wire}");
        }
    }

    static void NotANumber(World world)
    {
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float64 })
            foreach (var op in new[] { ReduceOp.Min, ReduceOp.Max })
            {
                var mine = RankValues.Of(world.Rank, 100, dtype);
                mine[world.Rank * 3] = float.NaN;
                world.Group.AllReduce(mine, op);
                var expected = zeros(100, ScalarType.Bool);
                for (var r = 0; r < world.Size; r++) expected[r * 3] = true;
                RankValues.AssertEqual(expected, mine.isnan(), $"NaN under {op} of {dtype}");
            }
    }

    static void RankOrder(World world)
    {
        foreach (var n in new long[] { 1, 1_023, 20_011 })
        {
            var mine = RankValues.Rough(world.Rank, n, ScalarType.Float32);
            world.Group.AllReduce(mine);
            var inOrder = Enumerable.Range(0, world.Size).Select(r => RankValues.Rough(r, n, ScalarType.Float32)).Aggregate((a, b) => a + b);
            RankValues.AssertEqual(inOrder, mine, "the sum in the order of the ranks");
        }
    }

    static void Composition(World world)
    {
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            foreach (var n in new long[] { 1, 129, 10_007 })
            {
                var whole = RankValues.Rough(world.Rank, n * world.Size, dtype);
                var both = whole.clone();
                var part = both.narrow(0, world.Rank * n, n);
                world.Group.ReduceScatter(both, part);
                world.Group.AllGather(part, both);
                world.Group.AllReduce(whole);
                RankValues.AssertEqual(whole, both, "reduce-scatter, then all-gather");
            }
    }

    static void Large(World world)
    {
        const long Length = 1_500_007;
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            var mine = RankValues.Of(world.Rank, Length, dtype);
            world.Group.AllReduce(mine);
            RankValues.AssertEqual(Oracle(RankValues.OfAll(world.Size, Length, dtype), ReduceOp.Sum).to(dtype), mine, "AllReduce");
            var counts = RankValues.Uneven(world.Size, 300_001);
            var whole = zeros(counts.Sum(), dtype);
            world.Group.AllGather(RankValues.Of(world.Rank, counts[world.Rank], dtype), whole, counts);
            RankValues.AssertEqual(cat([.. Enumerable.Range(0, world.Size).Select(r => RankValues.Of(r, counts[r], dtype))]), whole, "AllGather");
        }
    }

    static void Allocated(World world)
    {
        for (var round = 0; round < 3; round++)
        {
            using var scope = TensorScope.Open();
            using var first = world.Group.Allocate(5_003, ScalarType.Float32);
            using var second = world.Group.Allocate(1_001 * world.Size, ScalarType.BFloat16);
            using var empty = world.Group.Allocate(0, ScalarType.Float32);
            Assert.Equal(0, first.abs().sum().item<float>());
            Assert.Equal(0, empty.NumberOfElements);
            first.copy_(RankValues.Of(world.Rank, 5_003, ScalarType.Float32, round));
            second.copy_(RankValues.Of(world.Rank, 1_001 * world.Size, ScalarType.BFloat16, round));
            world.Group.AllReduce(first);
            RankValues.AssertEqual(Oracle(RankValues.OfAll(world.Size, 5_003, ScalarType.Float32, round), ReduceOp.Sum).to(ScalarType.Float32), first, "AllReduce of allocated memory");
            // A piece of the allocation is reduced as well as the whole.
            var expected = Oracle(RankValues.OfAll(world.Size, 1_001 * world.Size, ScalarType.BFloat16, round), ReduceOp.Sum).to(ScalarType.BFloat16);
            var mine = second.narrow(0, world.Rank * 1_001, 1_001);
            world.Group.ReduceScatter(second, mine);
            RankValues.AssertEqual(expected.narrow(0, world.Rank * 1_001, 1_001), mine, "ReduceScatter of allocated memory");
            world.Group.AllGather(mine, second);
            RankValues.AssertEqual(expected, second, "AllGather into allocated memory");
            var head = second.narrow(0, 3, 500);
            var multiple = head * world.Size;
            world.Group.AllReduce(head);
            RankValues.AssertEqual(multiple, head, "AllReduce of a piece of allocated memory");
        }
    }

    static void AllocatedInScopes(World world)
    {
        Tensor freed, kept;
        using (TensorScope.Open())
        {
            freed = world.Group.Allocate(100, ScalarType.Float32);
            kept = world.Group.Allocate(100, ScalarType.Float32).DetachFromDisposeScope();
        }
        Assert.True(freed.IsInvalid);
        kept.fill_(world.Rank + 1);
        world.Group.AllReduce(kept);
        Assert.Equal(world.Size * (world.Size + 1) / 2, kept[99].item<float>());
        kept.Dispose();
    }

    internal static Tensor Oracle(IReadOnlyList<Tensor> all, ReduceOp op)
    {
        using var scope = NewDisposeScope();
        var table = stack([.. all.Select(t => t.to(ScalarType.Float64))]);
        if (table.numel() == 0) return table[0].clone().MoveToOuterDisposeScope();
        return (op switch
        {
            ReduceOp.Min => table.amin([0]),
            ReduceOp.Max => table.amax([0]),
            ReduceOp.Product => table.prod(dim: 0),
            _ => table.sum(dim: 0),
        }).MoveToOuterDisposeScope();
    }
}
