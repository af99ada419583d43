using System.Diagnostics;
using Raijin.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace Raijin.Testing;

/// <summary>What happens when a rank does not do its part. Each leaves a broken group behind.</summary>
static class FailureChecks
{
    static readonly GroupOptions Short = new() { Deadline = TimeSpan.FromSeconds(2) };

    public static IReadOnlyList<GroupCheck> All { get; } =
    [
        new("a rank that gives up is named to the others at once, with its reason", GivenUp) { Breaks = true, MinSize = 2 },
        new("a rank that does not come is named at the deadline", Absent) { Breaks = true, MinSize = 2, Options = Short },
        new("a cancelled wait ends the group for all", Cancelled) { Breaks = true, MinSize = 2 },
        new("abandoned calls do no harm", Abandoned) { Breaks = true, MinSize = 2, Options = Short },
    ];

    static void GivenUp(World world)
    {
        var mine = ones(100, ScalarType.Float32);
        world.Group.AllReduce(mine);
        if (world.Rank == world.Size - 1)
        {
            world.Group.Abort("the test says so");
            Assert.ThrowsAny<CollectiveException>(() => world.Group.AllReduce(mine));
            return;
        }
        var started = Stopwatch.GetTimestamp();
        var error = Assert.Throws<RankFailureException>(() => world.Group.AllReduce(mine));
        Assert.Equal(world.Size - 1, error.FailedRank);
        Assert.Contains("the test says so", error.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(started) < world.Group.Options.Deadline / 2, "it took as long as a deadline");
        var later = Assert.ThrowsAny<CollectiveException>(() => world.Group.Barrier());
        Assert.Contains("the test says so", later.Message, StringComparison.Ordinal);
    }

    static void Absent(World world)
    {
        world.Group.Barrier();
        if (world.Rank == 0)
        {
            // Alive, but elsewhere until the others' deadline is over: whoever met it first has told all.
            Task.Delay(world.Group.Options.Deadline * 1.5).Wait();
            Assert.Throws<RankFailureException>(() => world.Group.AllReduce(ones(10, ScalarType.Float32)));
            return;
        }
        var error = Assert.ThrowsAny<CollectiveException>(() => world.Group.AllReduce(ones(10, ScalarType.Float32)));
        Assert.Contains("AllReduce number 1 of group world", error.Message, StringComparison.Ordinal);
        Assert.Contains("Did not come: 0", error.Message, StringComparison.Ordinal);
        if (error is CollectiveTimeoutException late) Assert.Equal([0], late.Missing);
        else Assert.IsType<RankFailureException>(error);
    }

    static void Cancelled(World world)
    {
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        if (world.Rank == 0)
        {
            Assert.ThrowsAny<OperationCanceledException>(() => world.Group.Broadcast(ones(10, ScalarType.Float32), world.Size - 1, source.Token));
            var later = Assert.Throws<CollectiveException>(() => world.Group.Barrier());
            Assert.Contains("cancelled", later.Message, StringComparison.Ordinal);
            return;
        }
        // The root does not come before rank 0 has given up.
        var receive = Assert.ThrowsAny<CollectiveException>(() => world.Group.Receive(zeros(1, ScalarType.Float32), 0));
        Assert.Contains("cancelled", receive.Message, StringComparison.Ordinal);
    }

    static void Abandoned(World world)
    {
        var mine = ones(10_000, ScalarType.Float32);
        if (world.Rank == 0) world.Group.AllReduceAsync(mine);
        world.Group.Dispose();
        Assert.Throws<ObjectDisposedException>(() => world.Group.Barrier());
    }
}
