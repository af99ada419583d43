using CsCheck;

namespace Raijin.Metrics.Tests;

public sealed class VectorLoopsTests
{
    [Fact]
    public void Loops_by_vectors_equal_plain_ones_of_any_length() => Gen.Int[-1000, 1000].Array[0, 70].Sample(numbers =>
    {
        var (wide, narrow, whole) = (numbers.Select(n => n / 8.0).ToArray(), numbers.Select(n => n / 8f).ToArray(), numbers.Select(n => (long)n).ToArray());
        var widened = new double[numbers.Length];
        VectorLoops.Widen<float>(narrow, widened);
        Assert.Equal(wide, widened);
        VectorLoops.Widen<double>(wide, widened);
        Assert.Equal(wide, widened);
        VectorLoops.Widen<long>(whole, widened);
        Assert.Equal(numbers.Select(n => (double)n), widened);
        Assert.Equal(wide.Sum(), VectorLoops.Sum(wide));
        Assert.Equal(wide.Sum(x => x * x), VectorLoops.Dot(wide, wide));
        Assert.True(VectorLoops.AreFinite<float>(narrow) && VectorLoops.AreFinite<double>(wide) && VectorLoops.AreFinite<long>(whole));
        for (var i = 0; i < numbers.Length; i++)
            foreach (var wrong in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            {
                Assert.False(VectorLoops.AreFinite<double>([.. wide[..i], wrong, .. wide[i..]]));
                Assert.False(VectorLoops.AreFinite<float>([.. narrow[..i], (float)wrong, .. narrow[i..]]));
            }
    }, iter: 40, threads: 1);
}
