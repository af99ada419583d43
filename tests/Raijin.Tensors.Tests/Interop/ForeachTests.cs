using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class ForeachTests
{
    static Tensor[] Lists(params float[][] rows) => [.. rows.Select(row => tensor(row))];

    static void Is(Tensor[] actual, params float[][] expected) =>
        Assert.Equal(expected, actual.Select(t => t.data<float>().ToArray()));

    [Fact]
    public void Ops_of_two_lists()
    {
        using var scope = NewDisposeScope();
        var y = Lists([2, 4], [8]);
        var x = Lists([1, 10], [3]);
        Foreach.Add(x, y);
        Is(x, [3, 14], [11]);
        Foreach.Add(x, y, -0.5);
        Is(x, [2, 12], [7]);
        Foreach.Multiply(x, y);
        Is(x, [4, 48], [56]);
        Foreach.Divide(x, y);
        Is(x, [2, 12], [7]);
        Foreach.Maximum(x, y);
        Is(x, [2, 12], [8]);
        Foreach.Lerp(x, y, 0.5);
        Is(x, [2, 8], [8]);
        Foreach.Copy(x, Lists([7, 7], [9]));
        Is(x, [7, 7], [9]);
    }

    [Fact]
    public void Ops_with_a_number()
    {
        using var scope = NewDisposeScope();
        var x = Lists([1, 2], [3]);
        Foreach.Add(x, 1);
        Is(x, [2, 3], [4]);
        Foreach.Multiply(x, 6.0);
        Is(x, [12, 18], [24]);
        Foreach.Divide(x, 3.0);
        Is(x, [4, 6], [8]);
        Foreach.Multiply(x, tensor(0.5f));
        Is(x, [2, 3], [4]);
    }

    [Fact]
    public void Ops_of_three_lists()
    {
        using var scope = NewDisposeScope();
        var (x, a, b) = (Lists([1], [2]), Lists([6], [8]), Lists([2], [4]));
        Foreach.AddProduct(x, a, b, 0.5);
        Is(x, [7], [18]);
        Foreach.AddQuotient(x, a, b, -2);
        Is(x, [1], [14]);
    }

    [Fact]
    public void Ops_of_one_list()
    {
        using var scope = NewDisposeScope();
        var x = Lists([4, 9], [16]);
        Foreach.Sqrt(x);
        Is(x, [2, 3], [4]);
        Foreach.Negate(x);
        Is(x, [-2, -3], [-4]);
        Foreach.Sign(x);
        Is(x, [-1, -1], [-1]);
        Foreach.Zero(x);
        Is(x, [0, 0], [0]);
    }

    [Fact]
    public void Norms_are_scalars_the_caller_owns()
    {
        using var scope = NewDisposeScope();
        var x = Lists([3, 4], [-2]);
        Assert.Equal([5f, 2f], Foreach.Norm(x).Select(n => n.item<float>()));
        Assert.Equal([4f, 2f], Foreach.Norm(x, double.PositiveInfinity).Select(n => n.item<float>()));
    }

    [Fact]
    public void An_empty_list_is_no_work()
    {
        Foreach.Zero([]);
        Foreach.Copy([], []);
        Foreach.Add([], [], 2);
        Assert.Empty(Foreach.Norm([]));
    }

    [Fact]
    public void Lists_that_do_not_fit_are_refused_with_libtorchs_reason()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<AtenException>(() => Foreach.Add(Lists([1, 2, 3]), Lists([1, 2]), 0.5));
        Assert.Contains("must match the size of tensor b (2)", error.Message, StringComparison.Ordinal);
        var freed = Lists([1]);
        freed[0].Dispose();
        Assert.Throws<ObjectDisposedException>(() => Foreach.Add(freed, freed, 0.5));
    }
}
