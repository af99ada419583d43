using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class TensorHistogramTests
{
    /// <summary>The same by sorting and counting, in doubles.</summary>
    static (long Count, long NonFinite, double Min, double Max, double Sum, double Squares, long[] Bins) Oracle(float[] values)
    {
        var finite = values.Where(float.IsFinite).Select(v => (double)v).ToArray();
        if (finite.Length == 0) return (0, values.Length, 0, 0, 0, 0, []);
        var (min, max) = (finite.Min(), finite.Max());
        var bins = new long[min == max ? 1 : TensorHistogram.NumBins];
        foreach (var v in finite) bins[min == max ? 0 : Math.Min((int)Math.Floor((v - min) * (TensorHistogram.NumBins / (max - min))), TensorHistogram.NumBins - 1)]++;
        return (finite.Length, values.Length - finite.Length, min, max, finite.Sum(), finite.Sum(v => v * v), bins);
    }

    static void AssertSame(float[] values, TensorHistogram actual)
    {
        var expected = Oracle(values);
        Assert.Equal((expected.Count, expected.NonFinite, expected.Min, expected.Max), (actual.Count, actual.NonFinite, actual.Min, actual.Max));
        Assert.Equal(expected.Sum, actual.Sum, 1e-9 * Math.Max(1, values.Where(float.IsFinite).Sum(v => Math.Abs((double)v))));
        Assert.Equal(expected.Squares, actual.SumOfSquares, 1e-9 * Math.Max(1, expected.Squares));
        Assert.Equal(expected.Bins, actual.Bins);
    }

    [Fact]
    public void A_histogram_is_the_one_counted_one_by_one_with_what_is_not_finite_apart()
    {
        var value = Gen.Frequency((20, Gen.Float[-100, 100]), (1, Gen.OneOf(float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0f, -0f)));
        value.Array[0, 300].Sample(values =>
        {
            using var t = tensor(values);
            AssertSame(values, TensorHistogram.Of(t));
        }, iter: 300);
    }

    [Fact]
    public void Tensors_longer_than_a_piece_are_counted_whole()
    {
        var random = new Random(3);
        var values = Enumerable.Range(0, (1 << 20) + 1000).Select(_ => (float)random.NextDouble()).ToArray();
        using var t = tensor(values);
        AssertSame(values, TensorHistogram.Of(t));
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    public void Other_types_and_layouts_are_looked_at_through_a_copy(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var transposed = arange(-30, 30, dtype: ScalarType.Float32).reshape(5, 12).to(type).t();
        AssertSame(transposed.to(ScalarType.Float32).contiguous().data<float>().ToArray(), TensorHistogram.Of(transposed));
    }

    [Fact]
    public void Edges_run_from_the_smallest_to_the_largest_value()
    {
        using var t = tensor(new float[] { -2, 0, 6 });
        var histogram = TensorHistogram.Of(t);
        Assert.Equal((-2.0, 2.0, 6.0), (histogram.Edge(0), histogram.Edge(32), histogram.Edge(64)));
        Assert.Equal(4.0 / 3, histogram.Mean, 1e-12);
    }
}
