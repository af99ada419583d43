using System.Text.Json.Serialization;

namespace Raijin.Collectives.Tests.Objects;

public sealed partial class GroupObjectsTests
{
    internal sealed record Settings(string Name, double[] Values, Settings? Inner = null);

    [JsonSerializable(typeof(Settings))]
    [JsonSerializable(typeof(Refuses))]
    internal sealed partial class Json : JsonSerializerContext;

    internal sealed record Refuses
    {
        public int Value => throw new NotSupportedException("it has no value");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_object_crosses_as_json(int size) => World.Run(size, world =>
    {
        var root = size - 1;
        var given = new Settings("Größe ✓", [1.5, -0.0, 1e300], new("", []));
        var got = world.Group.BroadcastObject(world.Rank == root ? given : null, root, Json.Default.Settings);
        Assert.Equal(("Größe ✓", ""), (got.Name, got.Inner!.Name));
        Assert.Equal(given.Values, got.Values);
        Assert.Null(world.Group.BroadcastObject<Settings?>(null, root, Json.Default.Settings!));
    });

    [Fact]
    public void Objects_of_all_ranks_come_in_their_order() => World.Run(3, world =>
    {
        var mine = new Settings(new string('a', world.Rank * 1000), [world.Rank]);
        Assert.Equal([0, 1000, 2000], world.Group.AllGatherObjects(mine, Json.Default.Settings).Select(s => s.Name.Length));
        var gathered = world.Group.GatherObjects(mine, 1, Json.Default.Settings);
        Assert.Equal(world.Rank == 1 ? [0, 1, 2] : null, gathered?.Select(s => s.Values[0]));
    });

    [Fact]
    public void Texts_and_bytes_cross_as_they_are() => World.Run(2, world =>
    {
        Assert.Equal("héllo", world.Group.BroadcastText(world.Rank == 0 ? "héllo" : null, 0));
        Assert.Equal("", world.Group.BroadcastText("", 0));
        Assert.Equal(["", "1"], world.Group.AllGatherText(world.Rank == 0 ? "" : "1"));
        Assert.Equal([7, 0, 9], world.Group.BroadcastBytes(world.Rank == 1 ? [7, 0, 9] : null, 1));
        var all = world.Group.AllGatherBytes([.. Enumerable.Repeat((byte)world.Rank, 2 * world.Rank)]);
        Assert.Equal([[], [1, 1]], all);
        Assert.Equal([[], []], world.Group.AllGatherBytes([]));
    });

    [Fact]
    public void Too_much_is_refused_on_every_rank_and_the_group_goes_on() => World.Run(2, world =>
    {
        var error = Assert.Throws<InvalidOperationException>(() => world.Group.BroadcastText(new string('x', 1001), 1, maxBytes: 1000));
        Assert.Contains("The object of rank 1 of group world has 1,001 bytes, and at most 1,000 are allowed", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InvalidOperationException>(() => world.Group.AllGatherText(world.Rank == 0 ? "fits" : "does not", maxBytes: 5));
        Assert.Contains("rank 1", error.Message, StringComparison.Ordinal);
        Assert.Equal("fits", world.Group.BroadcastText("fits", 0, maxBytes: 4));
    });

    [Fact]
    public void A_rank_that_cannot_write_its_object_holds_nobody_up() => World.Run(2, world =>
    {
        if (world.Rank == 1) Assert.Throws<NotSupportedException>(() => world.Group.BroadcastObject(new Refuses(), 1, Json.Default.Refuses));
        else Assert.Contains("Rank 1 of group world could not write its object", Assert.Throws<InvalidOperationException>(() => world.Group.BroadcastObject(null, 1, Json.Default.Refuses)).Message, StringComparison.Ordinal);
        if (world.Rank == 1) Assert.Throws<ArgumentNullException>(() => world.Group.AllGatherBytes(null!));
        else Assert.Throws<InvalidOperationException>(() => world.Group.AllGatherBytes([1]));
        Assert.Equal("still here", world.Group.BroadcastText("still here", 0));
    });

    [Fact]
    public void Objects_cost_two_collectives() => World.Run(2, world =>
    {
        world.Group.BroadcastText("a", 0);
        Assert.Equal(2, world.Group.Traffic.TotalCalls);
        world.Group.AllGatherText("a");
        Assert.Equal(4, world.Group.Traffic.TotalCalls);
    });

    [Fact]
    public void Nothing_stays_behind()
    {
        // On the test's own thread, where tensors left alive are counted.
        using var world = World.Single(new GroupOptions { CheckCalls = true });
        Assert.Equal("a", world.Group.BroadcastText("a", 0));
        Assert.Equal(["b"], world.Group.AllGatherText("b"));
        Assert.Throws<InvalidOperationException>(() => world.Group.BroadcastText("too much", 0, maxBytes: 1));
        Assert.Throws<ArgumentNullException>(() => world.Group.AllGatherBytes(null!));
        world.Group.AgreeOn("the options", "c");
        Assert.True(world.Group.AnyRank(true));
        Assert.Single(world.Group.GatherObjects(new Settings("d", []), 0, Json.Default.Settings)!);
    }
}
