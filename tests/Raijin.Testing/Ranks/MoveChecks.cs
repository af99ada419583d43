using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Testing;

/// <summary>What only moves values.</summary>
static class MoveChecks
{
    public static IReadOnlyList<GroupCheck> All { get; } =
    [
        new("all-gather gives everybody the parts of all", world => Each(world, AllGather)),
        new("broadcast gives everybody what the root has", world => Each(world, Broadcast)),
        new("gather gives the root the parts of all", world => Each(world, Gather)),
        new("scatter gives each rank its part", world => Each(world, Scatter)),
        new("all-to-all transposes", world => Each(world, AllToAll)),
        new("all-to-all by counts transposes", world => Each(world, AllToAllByCounts)),
    ];

    static void Each(World world, Action<World, ScalarType, long> check)
    {
        foreach (var dtype in RankValues.Moved)
            foreach (var n in RankValues.SizesOf(dtype))
            {
                using var scope = TensorScope.Open();
                check(world, dtype, n);
            }
    }

    static void AllGather(World world, ScalarType dtype, long n)
    {
        var whole = zeros(n * world.Size, dtype);
        world.Group.AllGather(RankValues.Of(world.Rank, n, dtype), whole);
        RankValues.AssertEqual(cat(RankValues.OfAll(world.Size, n, dtype)), whole, "AllGather");

        var counts = RankValues.Uneven(world.Size, n);
        var expected = cat([.. counts.Select((c, r) => RankValues.Of(r, c, dtype))]);
        var composed = zeros(counts.Sum(), dtype);
        var own = composed.narrow(0, RankValues.Before(counts, world.Rank), counts[world.Rank]);
        own.copy_(RankValues.Of(world.Rank, counts[world.Rank], dtype));
        world.Group.AllGather(own, composed, counts);
        RankValues.AssertEqual(expected, composed, "AllGather by counts, in place");
    }

    static void Broadcast(World world, ScalarType dtype, long n)
    {
        for (var root = 0; root < world.Size; root++)
        {
            var mine = RankValues.Of(world.Rank, n, dtype, root);
            world.Group.Broadcast(mine, root);
            RankValues.AssertEqual(RankValues.Of(root, n, dtype, root), mine, $"Broadcast from {root}");
        }
    }

    static void Gather(World world, ScalarType dtype, long n)
    {
        for (var root = 0; root < world.Size; root++)
        {
            var whole = world.Rank == root ? zeros(n * world.Size, dtype) : null;
            world.Group.Gather(RankValues.Of(world.Rank, n, dtype), whole, root);
            if (whole is not null) RankValues.AssertEqual(cat(RankValues.OfAll(world.Size, n, dtype)), whole, "Gather");

            var counts = RankValues.Uneven(world.Size, n);
            var composed = world.Rank == root ? zeros(counts.Sum(), dtype) : null;
            world.Group.Gather(RankValues.Of(world.Rank, counts[world.Rank], dtype), composed, root, counts);
            if (composed is not null) RankValues.AssertEqual(cat([.. counts.Select((c, r) => RankValues.Of(r, c, dtype))]), composed, "Gather by counts");
        }
    }

    static void Scatter(World world, ScalarType dtype, long n)
    {
        for (var root = 0; root < world.Size; root++)
        {
            var part = zeros(n, dtype);
            world.Group.Scatter(world.Rank == root ? RankValues.Of(root, n * world.Size, dtype) : null, part, root);
            RankValues.AssertEqual(RankValues.Of(root, n * world.Size, dtype).narrow(0, world.Rank * n, n), part, "Scatter");

            var counts = RankValues.Uneven(world.Size, n);
            var own = zeros(counts[world.Rank], dtype);
            world.Group.Scatter(world.Rank == root ? RankValues.Of(root, counts.Sum(), dtype) : null, own, root, counts);
            RankValues.AssertEqual(RankValues.Of(root, counts.Sum(), dtype).narrow(0, RankValues.Before(counts, world.Rank), counts[world.Rank]), own, "Scatter by counts");
        }
    }

    static void AllToAll(World world, ScalarType dtype, long n)
    {
        var result = zeros(n * world.Size, dtype);
        world.Group.AllToAll(RankValues.Of(world.Rank, n * world.Size, dtype), result);
        var expected = cat([.. RankValues.OfAll(world.Size, n * world.Size, dtype).Select(t => t.narrow(0, world.Rank * n, n))]);
        RankValues.AssertEqual(expected, result, "AllToAll");
    }

    static void AllToAllByCounts(World world, ScalarType dtype, long n)
    {
        // From rank i to rank j go n · ((i + 2 j) mod 3) elements: some of them none.
        long[] From(int rank) => [.. Enumerable.Range(0, world.Size).Select(to => n * ((rank + (2 * to)) % 3))];
        long[] sent = From(world.Rank), received = [.. Enumerable.Range(0, world.Size).Select(from => From(from)[world.Rank])];
        var result = zeros(received.Sum(), dtype);
        world.Group.AllToAll(RankValues.Of(world.Rank, sent.Sum(), dtype), result, sent, received);
        var expected = cat([.. Enumerable.Range(0, world.Size).Select(from => RankValues.Of(from, From(from).Sum(), dtype).narrow(0, RankValues.Before(From(from), world.Rank), received[from]))]);
        RankValues.AssertEqual(expected, result, "AllToAll by counts");
    }
}
