using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Groups;

public sealed class WaitTests
{
    [Fact]
    public void A_timeout_tells_who_came_and_what_each_rank_called_last()
    {
        var errors = World.Run(3, world =>
        {
            using var scope = TensorScope.Open();
            world.Group.Broadcast(zeros(7, ScalarType.Int64), 2);
            if (world.Rank == 1) return Record.Exception(() => Gone(world).Wait());
            return Record.Exception(() => world.Group.AllReduce(zeros(1_000), wire: ScalarType.BFloat16));
        }, new GroupOptions { Deadline = TimeSpan.FromMilliseconds(300) });
        // Both ranks that wait may meet it at once.
        var late = errors.OfType<CollectiveTimeoutException>().First();
        Assert.Equal([1], late.Missing);
        Assert.Equal(CollectiveKind.AllReduce, late.Kind);
        Assert.Contains("AllReduce number 1 of group world met its deadline of 00:00:00.3000000 on rank", late.Message, StringComparison.Ordinal);
        Assert.Contains("AllReduce Sum of 1,000 × Float32 over BFloat16.\nCame: 0, 2. Did not come: 1.", late.Message, StringComparison.Ordinal);
        Assert.Contains("       0  Broadcast of 7 × Int64 at root 2\n       1  AllReduce Sum of 1,000 × Float32 over BFloat16, under way\n", late.Message, StringComparison.Ordinal);
        Assert.Matches("The last calls of rank 1:\n +0  Broadcast .*7 × Int64.*\n(The last calls of rank 2|$)", late.Message);

        static async Task Gone(World world) => await Task.Delay(TimeSpan.FromMilliseconds(900));
    }

    [Fact]
    public void A_rank_of_a_part_is_named_by_its_number_in_the_world_too()
    {
        var errors = World.Run(4, world =>
        {
            using var part = world.Group.Split(world.Rank < 2 ? [0, 1] : [2, 3], "half");
            return world.Rank == 3 ? null : Record.Exception(() => part.Barrier());
        }, new GroupOptions { Deadline = TimeSpan.FromMilliseconds(200) });
        Assert.Null(errors[0]);
        Assert.Contains("of group half met its deadline", errors[2]!.Message, StringComparison.Ordinal);
        Assert.Contains("Did not come: 1 (rank 3 of the world).", errors[2]!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_that_fails_stops_the_whole()
    {
        var started = Stopwatch.GetTimestamp();
        var errors = World.Run(4, world =>
        {
            // Wherever a rank is when the half is lost, it fails with that.
            return Record.Exception(() =>
            {
                using var part = world.Group.Split(world.Rank < 2 ? [0, 1] : [2, 3], "half");
                world.Group.Barrier();
                if (world.Rank == 0) part.Abort("half is lost");
                world.Group.Barrier();
            });
        });
        Assert.All(errors, e => Assert.Contains("half is lost", e!.Message, StringComparison.Ordinal));
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void The_deadline_counts_from_the_wait() => World.Run(2, world =>
    {
        using var scope = TensorScope.Open();
        var sum = ones(4);
        if (world.Rank == 0)
        {
            var work = world.Group.AllReduceAsync(sum);
            // Busy with something else for longer than the deadline.
            Task.Delay(TimeSpan.FromMilliseconds(700)).Wait();
            world.Group.Send(ones(1), 1);
            work.Wait();
        }
        else
        {
            var go = zeros(1);
            var receive = world.Group.ReceiveAsync(go, 0);
            while (!receive.Poll()) Thread.Yield();
            world.Group.AllReduce(sum);
        }
        Assert.Equal(8, sum.sum().item<float>());
    }, new GroupOptions { Deadline = TimeSpan.FromMilliseconds(400) });

    [Fact]
    public void A_message_that_nobody_sends_names_its_sender_alone()
    {
        var errors = World.Run(3, world => world.Rank != 1 ? null : Record.Exception(() => world.Group.Receive(zeros(2), 2)), new GroupOptions { Deadline = TimeSpan.FromMilliseconds(100) });
        var late = Assert.IsType<CollectiveTimeoutException>(errors[1]);
        Assert.Equal([2], late.Missing);
        Assert.Contains("Came: 1. Did not come: 2.", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_awaited_call_meets_its_deadline_and_its_cancellation()
    {
        var errors = World.Run(2, world => world.Rank == 1 ? null : Record.Exception(() => world.Group.BarrierAsync().WaitAsync().GetAwaiter().GetResult()), new GroupOptions { Deadline = TimeSpan.FromMilliseconds(100) });
        Assert.IsType<CollectiveTimeoutException>(errors[0]);

        errors = World.Run(2, world =>
        {
            if (world.Rank == 1) return Record.Exception(() => world.Group.Receive(zeros(1), 0));
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
            return Record.Exception(() => world.Group.BarrierAsync().WaitAsync(source.Token).GetAwaiter().GetResult());
        });
        Assert.IsType<OperationCanceledException>(errors[0]);
        Assert.Contains("Barrier, number 0 of group world, was cancelled on rank 0", errors[1]!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_threads_in_one_group_are_told_apart()
    {
        using var told = new ManualResetEventSlim();
        World.Run(2, world =>
        {
            if (world.Rank == 1)
            {
                told.Wait(TimeSpan.FromSeconds(20));
                world.Group.Barrier();
                return;
            }
            // The other thread stays in its call until rank 1 comes.
            var other = new Thread(() => world.Group.Barrier());
            other.Start();
            var message = "";
            Assert.True(SpinWait.SpinUntil(() =>
            {
                try
                {
                    world.Group.Progress();
                    return false;
                }
                catch (InvalidOperationException error)
                {
                    message = error.Message;
                    return true;
                }
            }, TimeSpan.FromSeconds(20)));
            Assert.Contains($"uses group world of rank 0 while thread {other.ManagedThreadId} is in one of its calls", message, StringComparison.Ordinal);
            told.Set();
            other.Join();
            // Nothing is broken by it.
            world.Group.Progress();
        });
    }

    [Fact]
    public void A_world_of_one_needs_nobody()
    {
        using var world = World.Single();
        using var scope = TensorScope.Open();
        var all = zeros(4);
        var work = world.Group.AllGatherAsync(ones(4), all);
        Assert.True(work.IsCompleted);
        Assert.Equal(4, all.sum().item<float>());
        Assert.Equal([0], world.Group.GlobalRanks);
    }

    [Fact]
    public void A_cancelled_run_is_cancelled_on_every_rank()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        Assert.ThrowsAny<OperationCanceledException>(() => World.Run(2, world => world.Group.Receive(zeros(1).DetachFromDisposeScope(), 1 - world.Rank), cancellationToken: source.Token));
    }
}
