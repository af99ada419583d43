using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class CriticalSuccessIndexTests
{
    [Fact]
    public void It_is_that_of_torchmetrics_in_all_and_step_by_step()
    {
        using var scope = NewDisposeScope();
        // torchmetrics divides in float32.
        Recorded.Holds("csi", new CriticalSuccessIndex(0.5), Recorded.Batch("field"), 1e-7);
        Recorded.HoldsPerOutput("csi/outputs", new CriticalSuccessIndex(0.5, 4), Recorded.Batch("field"), 1e-7);
    }

    [Fact]
    public void Where_nothing_was_predicted_and_nothing_happened_it_is_0()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0, Regression.CriticalSuccessIndex(zeros([4]), zeros([4]), 0.5));
        Assert.Equal(0, Regression.CriticalSuccessIndex(zeros([0]), zeros([0]), 0.5));
        Assert.Equal(1, Regression.CriticalSuccessIndex(full([4], 0.5f), ones([4]), 0.5));
    }

    [Fact]
    public void Weights_and_other_shapes_are_refused_and_NaN_is_reported()
    {
        using var scope = NewDisposeScope();
        using var metric = new CriticalSuccessIndex(0.5, 2);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(ones([3, 2]), ones([3, 2]), ones([3])));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(ones([3, 4]), ones([3, 4])));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(ones([3, 2]), ones([3])));
        metric.Update(tensor(new[] { 1f, float.NaN }).reshape(1, 2), ones([1, 2]));
        Assert.Equal([1.0, 0.0], metric.States[0].ToArray<double>());
        Assert.Equal(1, Assert.Throws<MetricInputException>(() => metric.Compute()).Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CriticalSuccessIndex(double.NaN));
    }
}
