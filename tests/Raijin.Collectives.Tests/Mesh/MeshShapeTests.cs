using CsCheck;

namespace Raijin.Collectives.Tests.Mesh;

public sealed class MeshShapeTests
{
    static readonly Gen<MeshShape> Shapes = Gen.Int[1, 5].Array[1, 4].Select(sizes => new MeshShape([.. sizes.Index().Select(s => ($"axis{s.Index}", s.Item))]));

    [Fact]
    public void Coordinates_and_ranks_are_each_others_inverse() => Shapes.Sample(shape =>
    {
        for (var rank = 0; rank < shape.Size; rank++) Assert.Equal(rank, shape.RankAt(shape.CoordinatesOf(rank)));
        Assert.Equal(shape.Size, Enumerable.Range(0, shape.Size).Select(r => string.Join(",", shape.CoordinatesOf(r))).Distinct().Count());
    });

    [Fact]
    public void The_groups_of_any_axes_hold_each_rank_once_and_vary_in_these_axes_only() => Gen.Select(Shapes, Gen.Int[1, 15]).Sample((shape, mask) =>
    {
        var axes = shape.Axes.Where((_, a) => (mask >> a & 1) == 1).Select(a => a.Name).DefaultIfEmpty(shape.Axes[0].Name).ToList();
        var groups = shape.GroupsAlong(axes);
        Assert.Equal(Enumerable.Range(0, shape.Size), groups.SelectMany(g => g).Order());
        foreach (var group in groups)
        {
            Assert.Equal(axes.Aggregate(1, (n, a) => n * shape[a]), group.Count);
            Assert.Equal(group.Order(), group);
            foreach (var rank in group)
            {
                Assert.Equal(group, shape.GroupOf(rank, axes));
                Assert.All(shape.Axes.Where(a => !axes.Contains(a.Name)), a => Assert.Equal(shape.CoordinateOf(group[0], a.Name), shape.CoordinateOf(rank, a.Name)));
            }
        }
    });

    [Fact]
    public void The_last_axis_runs_fastest()
    {
        var shape = new MeshShape(("data", 2), ("tensor", 4));
        Assert.Equal([1, 2], shape.CoordinatesOf(6));
        Assert.Equal([4, 5, 6, 7], shape.GroupOf(6, "tensor"));
        Assert.Equal([2, 6], shape.GroupOf(6, "data"));
        Assert.Equal([[0, 4], [1, 5], [2, 6], [3, 7]], shape.GroupsAlong("data"));
        Assert.Equal(8, shape.GroupOf(0, "tensor", "data").Count);
    }

    [Theory]
    [InlineData("data(2) x tensor(4)")]
    [InlineData(" data (2)×tensor( 4 )")]
    [InlineData("data(2)*tensor(4)")]
    public void A_mesh_is_read_from_text(string text)
    {
        var shape = MeshShape.Parse(text);
        Assert.Equal(new MeshShape(("data", 2), ("tensor", 4)), shape);
        Assert.Equal("data(2) × tensor(4)", shape.ToString());
        Assert.Equal(shape, MeshShape.Parse(shape.ToString()));
        Assert.Equal(shape.GetHashCode(), MeshShape.Parse(shape.ToString()).GetHashCode());
    }

    [Fact]
    public void Text_and_shape_go_round() => Shapes.Sample(shape => Assert.Equal(shape, MeshShape.Parse(shape.ToString())));

    [Theory]
    [InlineData("", "write axes with their sizes as in data(2) x tensor(4)")]
    [InlineData("data", "write axes with their sizes")]
    [InlineData("data(2) x", "write axes with their sizes")]
    [InlineData("data(2) tensor(4)", "write axes with their sizes")]
    [InlineData("data(-2)", "write axes with their sizes")]
    [InlineData("data(0)", "Axis data has 0 ranks: 1 or more.")]
    [InlineData("data(2) x data(4)", "data(2) × data(4) has the axis data 2 times: each name once.")]
    [InlineData("1st(2)", "'1st' is no name of an axis")]
    [InlineData("a(100000) x b(100000)", "has more ranks than can be counted")]
    [InlineData("a(99999999999)", "is no mesh")]
    public void A_mesh_that_is_none_is_refused(string text, string message) => Assert.Contains(message, Assert.Throws<FormatException>(() => MeshShape.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Questions_outside_the_mesh_are_refused()
    {
        var shape = new MeshShape(("data", 2), ("tensor", 4));
        Assert.Contains("data(2) × tensor(4) has no axis pipe.", Assert.Throws<ArgumentException>(() => shape["pipe"]).Message, StringComparison.Ordinal);
        Assert.Contains("has ranks 0 to 7", Assert.Throws<ArgumentOutOfRangeException>(() => shape.CoordinatesOf(8)).Message, StringComparison.Ordinal);
        Assert.Contains("Axis tensor has coordinates 0 to 3.", Assert.Throws<ArgumentOutOfRangeException>(() => shape.RankAt(1, 4)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => shape.RankAt(1));
        Assert.Throws<ArgumentException>(() => shape.GroupOf(0));
        Assert.Throws<ArgumentException>(() => new MeshShape());
    }

    [Fact]
    public void The_equation_that_fails_is_printed()
    {
        Assert.Equal("data(2) × tensor(4) = 8, but 6 ranks joined", new MeshShape(("data", 2), ("tensor", 4)).FaultWith(6));
        Assert.Equal("data(2) = 2, but 1 rank joined", new MeshShape(("data", 2)).FaultWith(1));
        Assert.Null(new MeshShape(("data", 2)).FaultWith(2));
    }
}
