using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Shape;

public sealed class ProcrustesDisparityTests
{
    static readonly JsonElement Recorded = Recording.Open("shape");

    [Theory]
    [InlineData("unrelated")]
    [InlineData("moved")]
    public void Disparities_are_those_of_scipy_and_fits_those_of_torchmetrics(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty(name);
        var (first, second) = (recorded.GetProperty("first").Tensor(), recorded.GetProperty("second").Tensor());
        var expected = recorded.GetProperty("disparity").Numbers();
        Recording.Near(expected.Average(), Shapes.ProcrustesDisparity(first, second), 1e-12);
        Recording.Near(expected.Sum(), Shapes.ProcrustesDisparity(first, second, SampleReduction.Sum), 1e-12);
        using var fit = Shapes.Procrustes(first, second);
        Recording.Near(expected, fit.Disparity.data<double>().ToArray(), 1e-12);
        Recording.Near(recorded.GetProperty("scale").Numbers(), fit.Scale.data<double>().ToArray(), 1e-12);
        Recording.Near(recorded.GetProperty("rotation").Numbers(), fit.Rotation.contiguous().data<double>().ToArray(), 1e-12);
    }

    [Fact]
    public void A_moved_stretched_turned_and_mirrored_cloud_has_the_same_shape()
    {
        using var scope = NewDisposeScope();
        var cloud = Recorded.GetProperty("unrelated").GetProperty("first").Tensor();
        var turn = tensor(new[,] { { 0, 1.0, 0 }, { 1, 0, 0 }, { 0, 0, 1 } });
        Assert.InRange(Shapes.ProcrustesDisparity(cloud, cloud.matmul(turn) * 40 + 7), 0, 1e-28);
    }

    [Fact]
    public void Updates_in_any_split_and_merges_give_the_same()
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("unrelated");
        var batch = new Comparison(recorded.GetProperty("first").Tensor(), recorded.GetProperty("second").Tensor());
        using var first = new ProcrustesDisparity();
        using var second = new ProcrustesDisparity();
        first.Update(batch.Select(tensor(new long[] { 2 })));
        second.Update(batch.Select(tensor(new long[] { 1 })));
        second.Update(batch.Select(tensor(new long[] { 0 })));
        first.Merge(second);
        Assert.Equal(Shapes.ProcrustesDisparity(batch.Predictions, batch.Targets), first.Compute(), 1e-12);
        Assert.False(first.HigherIsBetter);
        using var metrics = new MetricCollection { { "mean", new ProcrustesDisparity() }, { "sum", new ProcrustesDisparity(SampleReduction.Sum) } };
        Assert.Equal(1, metrics.NumAccumulations);
    }

    [Fact]
    public void Clouds_without_a_shape_are_refused_and_left_out_of_the_fits()
    {
        using var scope = NewDisposeScope();
        var cloud = Recorded.GetProperty("moved").GetProperty("first").Tensor();                      // [2, 7, 2]
        using var metric = new ProcrustesDisparity();
        foreach (var broken in (Tensor[])[full_like(cloud[..1], 0.1), cloud[..1] / zeros([1, 1, 1])])
        {
            var second = cat([broken, cloud[1..]]);
            metric.Reset();
            metric.Update(second, cloud);
            Assert.Equal((1, 0.0), Assert.Throws<MetricInputException>(() => metric.Compute()) is var e ? (e.Count, e.First) : default);
            using var fit = Shapes.Procrustes(cloud, second);
            Assert.Equal(double.NaN, fit.Disparity[0].item<double>());
            Assert.InRange(fit.Disparity[1].item<double>(), 0, 1e-25);
        }
    }

    [Fact]
    public void No_pair_has_no_mean()
    {
        using var none = zeros([0, 4, 2]);
        Assert.Equal(double.NaN, Shapes.ProcrustesDisparity(none, none));
        Assert.Equal(0, Shapes.ProcrustesDisparity(none, none, SampleReduction.Sum));
        using var fit = Shapes.Procrustes(none, none);
        Assert.Equal([0, 2, 2], fit.Rotation.shape);
    }

    [Fact]
    public void Clouds_of_different_shapes_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("[2, 3, 2] Float32", Assert.Throws<ShapeMismatchException>(() => Shapes.ProcrustesDisparity(rand(2, 3, 2), rand(2, 4, 2))).Message);
        Assert.Throws<ShapeMismatchException>(() => Shapes.ProcrustesDisparity(rand(3, 2), rand(3, 2)));
        Assert.Throws<ShapeMismatchException>(() => Shapes.ProcrustesDisparity(rand(2, 0, 2), rand(2, 0, 2)));
        Assert.Throws<ShapeMismatchException>(() => Shapes.ProcrustesDisparity(arange(8).reshape(1, 4, 2), arange(8).reshape(1, 4, 2)));
    }
}
