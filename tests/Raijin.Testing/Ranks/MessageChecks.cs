using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Testing;

/// <summary>Messages between two ranks.</summary>
static class MessageChecks
{
    public static IReadOnlyList<GroupCheck> All { get; } =
    [
        new("messages of every type go round a ring", Ring) { MinSize = 2 },
        new("messages of a pair keep their order", Order) { MinSize = 2 },
        new("large messages in both directions at once pass each other", BothWays) { MinSize = 2 },
        new("messages pass collectives that are under way", BesideCollectives) { MinSize = 2 },
    ];

    static void Ring(World world)
    {
        var (next, previous) = ((world.Rank + 1) % world.Size, (world.Rank + world.Size - 1) % world.Size);
        foreach (var dtype in RankValues.Moved)
            foreach (var n in RankValues.SizesOf(dtype))
            {
                using var scope = TensorScope.Open();
                var (mine, theirs) = (RankValues.Of(world.Rank, n, dtype), zeros(n, dtype));
                var sent = world.Group.SendAsync(mine, next);
                world.Group.Receive(theirs, previous);
                sent.Wait();
                RankValues.AssertEqual(RankValues.Of(previous, n, dtype), theirs, "what came round");
            }
    }

    static void Order(World world)
    {
        if (world.Rank > 1) return;
        if (world.Rank == 0)
        {
            var all = Enumerable.Range(0, 20).Select(i => world.Group.SendAsync(full(17, i, ScalarType.Int32), 1)).ToList();
            foreach (var work in all) work.Wait();
            return;
        }
        for (var i = 0; i < 20; i++)
        {
            var got = zeros(17, ScalarType.Int32);
            world.Group.Receive(got, 0);
            RankValues.AssertEqual(full(17, i, ScalarType.Int32), got, $"message {i}");
        }
    }

    static void BothWays(World world)
    {
        const long Length = 700_001;
        var others = Enumerable.Range(0, world.Size).Where(r => r != world.Rank).ToList();
        var mine = RankValues.Of(world.Rank, Length, ScalarType.Float32);
        var sent = others.Select(r => world.Group.SendAsync(mine, r)).ToList();
        var theirs = others.Select(_ => zeros(Length, ScalarType.Float32)).ToList();
        var received = others.Select((r, i) => world.Group.ReceiveAsync(theirs[i], r)).ToList();
        foreach (var work in Enumerable.Reverse(received)) work.Wait();
        foreach (var work in sent) work.Wait();
        for (var i = 0; i < others.Count; i++) RankValues.AssertEqual(RankValues.Of(others[i], Length, ScalarType.Float32), theirs[i], $"from {others[i]}");
    }

    static void BesideCollectives(World world)
    {
        var sum = ones(1000, ScalarType.Float32);
        var message = full(300_000, 5, ScalarType.Int32);
        if (world.Rank == 0)
        {
            var sent = world.Group.SendAsync(message, 1);
            world.Group.AllReduce(sum);
            sent.Wait();
        }
        else
        {
            world.Group.AllReduce(sum);
            var got = zeros(300_000, ScalarType.Int32);
            if (world.Rank == 1)
            {
                world.Group.Receive(got, 0);
                RankValues.AssertEqual(message, got, "the message");
            }
        }
        RankValues.AssertEqual(full(1000, world.Size, ScalarType.Float32), sum, "the sum");
    }
}
