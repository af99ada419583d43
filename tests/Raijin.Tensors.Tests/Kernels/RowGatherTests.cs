using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests.Kernels;

public sealed class RowGatherTests
{
    // Rows around every path: shorter than a line, exactly one, with a tail, long ones; few and many rows.
    [Fact]
    public void Rows_are_those_of_index_select_bit_for_bit() =>
        Gen.Select(Gen.Int[1, 40], Gen.OneOf(Gen.Int[1, 300], Gen.Int[8000, 8400]), Gen.Int[0, 70], Gen.Int[0, 1_000_000]).Sample((count, bytes, taken, seed) =>
        {
            using var scope = TensorScope.Open();
            var random = new Random(seed);
            var elements = new byte[count * bytes];
            random.NextBytes(elements);
            var source = tensor(elements).reshape(count, bytes);
            var rows = new long[taken];
            foreach (ref var row in rows.AsSpan()) row = random.Next(count);

            using var gather = new RowGather(source);
            Assert.True(gather.Rows(rows).equal(source.index_select(0, tensor(rows))).all().item<bool>() || taken == 0);
        }, iter: 400);

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Bool)]
    public void Every_dtype_and_shape_stays(ScalarType dtype)
    {
        using var scope = TensorScope.Open();
        var source = arange(5 * 3 * 11).reshape(5, 3, 11).to(dtype);
        using var gather = new RowGather(source);
        var rows = gather.Rows([4, 0, 0]);
        Assert.Equal([3, 3, 11], rows.shape);
        Assert.Equal(dtype, rows.dtype);
        Assert.True(rows.equal(source.index_select(0, tensor(new long[] { 4, 0, 0 }))).all().item<bool>());
    }

    [Fact]
    public void A_vector_has_rows_of_one_element_and_a_transposed_source_is_copied()
    {
        using var scope = TensorScope.Open();
        using var vector = new RowGather(tensor(new long[] { 7, 8, 9 }));
        Assert.Equal([9, 7], vector.Rows([2, 0]).data<long>().ToArray());
        var transposed = arange(6).reshape(2, 3).t();
        using var gather = new RowGather(transposed);
        Assert.Equal([2L, 5], gather.Rows([2])[0].data<long>().ToArray());
    }

    [Fact]
    public void Long_rows_are_copied_whole()
    {
        using var scope = TensorScope.Open();
        var source = rand(3, 20_000);
        using var gather = new RowGather(source);
        Assert.True(gather.Rows([2, 1]).equal(source.index_select(0, tensor(new long[] { 2, 1 }))).all().item<bool>());
    }

    [Fact]
    public void Changes_of_the_source_are_seen_and_results_are_copies()
    {
        using var scope = TensorScope.Open();
        var source = zeros(2, 4);
        using var gather = new RowGather(source);
        source.fill_(3);
        var rows = gather.Rows([0, 1]);
        source.fill_(5);
        Assert.Equal(24f, rows.sum().item<float>());
    }

    [Fact]
    public void A_source_with_gradients_gives_rows_without()
    {
        using var scope = TensorScope.Open();
        using var gather = new RowGather(zeros([2, 2], requires_grad: true));
        Assert.False(gather.Rows([0]).requires_grad);
    }

    [Fact]
    public void Rows_that_are_not_there_are_refused()
    {
        using var scope = TensorScope.Open();
        using var gather = new RowGather(zeros(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => gather.Rows([0, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => gather.Rows([-1]));
        Assert.Throws<ShapeMismatchException>(() => new RowGather(tensor(1f)));
        using var none = new RowGather(zeros(0, 2));
        Assert.Equal([0, 2], none.Rows([]).shape);
        Assert.Throws<ArgumentOutOfRangeException>(() => none.Rows([0]));
    }

    [Fact]
    public void A_disposed_gather_says_so()
    {
        using var scope = TensorScope.Open();
        var gather = new RowGather(zeros(3, 2));
        gather.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gather.Rows([0]));
    }
}
