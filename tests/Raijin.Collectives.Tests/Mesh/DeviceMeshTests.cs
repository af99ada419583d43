using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Mesh;

public sealed class DeviceMeshTests
{
    [Fact]
    public void Each_rank_has_a_group_along_each_axis() => World.Run(8, world =>
    {
        using var scope = TensorScope.Open();
        using var mesh = new DeviceMesh(world.Group, ("data", 2), ("tensor", 4));
        Assert.Equal((world.Rank / 4, world.Rank % 4), (mesh.Coordinate("data"), mesh.Coordinate("tensor")));
        Assert.Equal(mesh.Coordinate("tensor"), mesh["tensor"].Rank);
        Assert.Equal("tensor", mesh["tensor"].Name);
        Assert.Equal(mesh.Shape.GroupOf(world.Rank, "tensor"), mesh["tensor"].GlobalRanks);
        var (across, along) = (full(1, world.Rank, ScalarType.Int32), full(1, world.Rank, ScalarType.Int32));
        mesh["tensor"].AllReduce(across);
        mesh["data"].AllReduce(along);
        Assert.Equal(mesh.Shape.GroupOf(world.Rank, "tensor").Sum(), across.item<int>());
        Assert.Equal(mesh.Shape.GroupOf(world.Rank, "data").Sum(), along.item<int>());
    });

    [Fact]
    public void Several_axes_are_one_group() => World.Run(8, world =>
    {
        using var mesh = new DeviceMesh(world.Group, MeshShape.Parse("pipe(2) x data(2) x tensor(2)"));
        var flat = mesh.Group("tensor", "pipe");
        Assert.Equal(mesh.Shape.GroupOf(world.Rank, "pipe", "tensor"), flat.GlobalRanks);
        Assert.Same(flat, mesh.Group("pipe", "tensor"));
        Assert.Same(world.Group, mesh.Group("data", "tensor", "pipe"));
        flat.Barrier();
    });

    [Fact]
    public void Axes_of_one_rank_make_no_groups_of_their_own() => World.Run(2, world =>
    {
        using (var mesh = new DeviceMesh(world.Group, ("pipe", 1), ("data", 2), ("tensor", 1)))
        {
            Assert.Same(world.Group, mesh["data"]);
            Assert.Same(world.Group, mesh.Group("pipe", "data"));
            Assert.Equal(1, mesh["tensor"].Size);
            mesh["tensor"].Barrier();
        }
        // A second mesh of the same names, and the group outlives both.
        using var again = new DeviceMesh(world.Group, ("pipe", 2), ("tensor", 1));
        world.Group.Barrier();
    });

    [Fact]
    public void A_mesh_of_another_size_prints_the_equation()
    {
        var error = Assert.Throws<ArgumentException>(() => World.Run(6, world => new DeviceMesh(world.Group, ("data", 2), ("tensor", 4)).Dispose()));
        Assert.StartsWith("data(2) × tensor(4) = 8, but 6 ranks joined: change the mesh, or start as many ranks.", error.Message, StringComparison.Ordinal);
    }
}
