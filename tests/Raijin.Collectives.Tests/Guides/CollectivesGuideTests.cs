using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Guides;

/// <summary>What docs/guides/collectives.md shows, run.</summary>
public sealed partial class CollectivesGuideTests
{
    // snippet: json
    sealed record Setup(string Run, int Epochs);

    [JsonSerializable(typeof(Setup))]
    sealed partial class SetupJson : JsonSerializerContext;
    // end snippet

    [Fact]
    public void Threads_are_ranks()
    {
        // snippet: run
        var sums = World.Run(4, world =>
        {
            using var scope = TensorScope.Open();
            var mine = full(3, world.Rank, ScalarType.Float32);
            world.Group.AllReduce(mine);                        // 0 + 1 + 2 + 3 everywhere
            return mine[0].item<float>();
        });
        // end snippet
        Assert.Equal([6, 6, 6, 6], sums);
    }

    [Fact]
    public void Calls_go_on_beside_other_work() => World.Run(2, world =>
    {
        using var scope = TensorScope.Open();
        var group = world.Group;
        var (rank, size) = (world.Rank, world.Size);
        // snippet: async
        using var buckets = group.Allocate(2 * 1000, ScalarType.Float32);       // where it is reduced without a copy
        buckets.fill_(rank);
        Tensor first = buckets.narrow(0, 0, 1000), second = buckets.narrow(0, 1000, 1000);
        var work = group.AllReduceAsync(first, ReduceOp.Mean);
        second.add_(1);                                                         // anything but first
        group.Progress();                                                       // a hand for what is under way
        work.Wait();                                                            // or: await work
        // end snippet
        Assert.Equal((0 + 1) / 2f, first[0].item<float>());

        // snippet: shards
        var gradients = ones(size * 10, ScalarType.Float32);
        var shard = gradients.narrow(0, rank * 10, 10);                         // the rank-th part, in place
        group.ReduceScatter(gradients, shard, wire: ScalarType.BFloat16);       // half the bytes; sums in float32
        group.AllGather(shard, gradients);
        // end snippet
        Assert.Equal(size * 10f * size, gradients.sum().item<float>());

        // snippet: messages
        var message = full(5, rank, ScalarType.Int64);
        var reply = zeros(5, ScalarType.Int64);
        var sent = group.SendAsync(message, (rank + 1) % size);
        group.Receive(reply, (rank + size - 1) % size);
        sent.Wait();
        // end snippet
        Assert.Equal((rank + size - 1) % size, reply[0].item<long>());
    });

    [Fact]
    public void Axes_have_groups() => World.Run(8, world =>
    {
        using var scope = TensorScope.Open();
        var partial = ones(4, ScalarType.Float32);
        var gradient = ones(4, ScalarType.Float32);
        // snippet: mesh
        using var mesh = new DeviceMesh(world.Group, ("data", 2), ("tensor", 4));    // or MeshShape.Parse("data(2) x tensor(4)")
        mesh["tensor"].AllReduce(partial);                                           // ranks 0-3, and 4-7
        mesh["data"].AllReduce(gradient, ReduceOp.Mean);                             // 0 and 4, 1 and 5 …
        var lane = mesh.Coordinate("tensor");                                        // 0 to 3
        // end snippet
        Assert.Equal((4f, 1f, world.Rank % 4), (partial[0].item<float>(), gradient[0].item<float>(), lane));
        // snippet: split
        using var pair = world.Group.Split([world.Rank & ~1, world.Rank | 1], "pair");
        // end snippet
        Assert.Equal(2, pair.Size);
    });

    [Fact]
    public void Objects_and_agreement() => World.Run(2, world =>
    {
        var group = world.Group;
        var options = "epochs: 3\nprecision: bf16";
        var outOfTime = world.Rank == 1;
        // snippet: objects
        var setup = group.BroadcastObject(world.Rank == 0 ? new Setup("baseline", 3) : null, root: 0, SetupJson.Default.Setup);
        var hosts = group.AllGatherText(Environment.MachineName);
        group.AgreeOn("the options", options);                  // throws on every rank where they differ, and shows the lines
        if (group.AnyRank(outOfTime)) return;                   // all leave together
        // end snippet
        Assert.Equal(("baseline", 2), (setup.Run, hosts.Length));
        Assert.Fail("rank 1 has no time left");
    });

    [Fact]
    public void A_hang_is_an_error()
    {
        // snippet: deadline
        var options = new GroupOptions { Deadline = TimeSpan.FromMilliseconds(200) };
        var error = Assert.ThrowsAny<CollectiveException>(() => World.Run(2, world =>
        {
            if (world.Rank == 0) world.Group.Barrier();         // rank 1 goes another way
        }, options));
        // end snippet
        Assert.Contains("Did not come: 1", error.Message, StringComparison.Ordinal);
        // snippet: checked
        var debug = new GroupOptions { CheckCalls = true };
        var mismatch = Assert.Throws<CollectiveMismatchException>(() => World.Run(2, world =>
        {
            using var scope = TensorScope.Open();
            world.Group.AllReduce(zeros(world.Rank == 0 ? 1000 : 999));
        }, debug));
        // end snippet
        Assert.Contains("rank 1  AllReduce Sum of 999 × Float32", mismatch.Message, StringComparison.Ordinal);
    }
}
