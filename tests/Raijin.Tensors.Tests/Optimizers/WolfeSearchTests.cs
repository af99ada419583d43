using CsCheck;

namespace Raijin.Tensors.Tests;

public sealed class WolfeSearchTests
{
    // A valley along a line with bumps: f(t) = a(t - b)² + c·sin(dt), downhill at 0.
    [Fact]
    public void What_it_finds_satisfies_both_conditions()
    {
        Gen.Select(Gen.Double[0.1, 10], Gen.Double[0.1, 20], Gen.Double[0, 0.5], Gen.Double[0.5, 3], Gen.Double[0.01, 5]).Sample(
            (a, b, c, d, first) =>
            {
                double Loss(double t) => (a * (t - b) * (t - b)) + (c * Math.Sin(d * t));
                double Slope(double t) => (2 * a * (t - b)) + (c * d * Math.Cos(d * t));
                if (Slope(0) >= -0.01) return;
                var search = new WolfeSearch((t, gradient) => new(t, Loss(t), Slope(t), gradient), new(0, Loss(0), Slope(0), -1), 1, 1e-12);
                var found = search.Find(first);
                Assert.InRange(search.Evaluations, 1, 26);
                Assert.InRange(found.Gradient, 0, WolfeSearch.Gradients - 1);
                Assert.True(found.Loss <= Loss(0) + (1e-4 * found.Step * Slope(0)), "decreases too little");
                Assert.True(Math.Abs(found.Slope) <= -0.9 * Slope(0), "is too steep");
            },
            iter: 2000,
            threads: 1);
    }

    [Fact]
    public void The_gradient_of_the_point_found_is_the_one_kept_under_its_index()
    {
        var kept = new double[WolfeSearch.Gradients];
        var search = new WolfeSearch(Try, new(0, 81, -18, -1), 1, 1e-12);
        var found = search.Find(100);
        Assert.Equal(found.Slope, kept[found.Gradient]);

        WolfeSearch.Point Try(double t, int gradient)
        {
            kept[gradient] = (2 * (t - 9)) + (8 * Math.Cos(8 * t));
            return new(t, ((t - 9) * (t - 9)) + Math.Sin(8 * t), kept[gradient], gradient);
        }
    }
}
