using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Masks;

public sealed class MaskCountsTests
{
    [Fact]
    public void Any_split_any_order_and_any_merge_counts_the_same() => Gen.Select(Gen.Int[0, 1000], Gen.Int[1, 5]).Sample((seed, cut) =>
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = Random(seed, ScalarType.Int64);
        foreach (var level in Enum.GetValues<AggregationLevel>())
        {
            using var whole = new Dice(3, level: level, format: SegmentationFormat.Index);
            using var first = new Dice(3, level: level, format: SegmentationFormat.Index);
            using var second = new Dice(3, level: level, format: SegmentationFormat.Index);
            whole.Update(predictions, targets);
            first.Update(predictions.narrow(0, 0, cut), targets.narrow(0, 0, cut));
            second.Update(predictions.narrow(0, cut, 6 - cut), targets.narrow(0, cut, 6 - cut));
            second.Merge(first);
            Assert.Equal(whole.Compute(), second.Compute(), 12);
            Assert.Equal(whole.Compute(), whole.Of(predictions.flip(0), targets.flip(0)), 12);
        }
    }, iter: 15);

    [Theory]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Byte)]
    public void The_kernel_of_the_host_counts_what_ops_count(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = Random(5, dtype, classes: 5);
        foreach (var level in Enum.GetValues<AggregationLevel>())
        {
            // Class 4 is a fault, class 2 ignored.
            var accumulation = new MaskCounts(new SegmentationInput(4, SegmentationFormat.Index, 2), level);
            using var byKernel = new MetricStates();
            using var byOps = new MetricStates();
            accumulation.Declare(byKernel);
            accumulation.Declare(byOps);
            Assert.True(accumulation.TryAddOnHost(byKernel, new(predictions, targets)));
            accumulation.Add(byOps, new(predictions, targets));
            Assert.True(byKernel[0].Value.Equals(byOps[0].Value));
            Assert.True(byKernel[1].Value.Equals(byOps[1].Value));
            Assert.True(byKernel[1].Value[0, 0].item<double>() > 0);
        }
    }

    [Fact]
    public void Classes_as_masks_and_as_scores_count_the_same()
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = Random(6, ScalarType.Int64);
        var expected = Raijin.Segmentation.Dice(predictions, targets, 3, format: SegmentationFormat.Index);
        var (masks, truth) = (Masks(predictions), Masks(targets));
        Assert.Equal(expected, Raijin.Segmentation.Dice(masks, truth, 3, format: SegmentationFormat.OneHot), 12);
        Assert.Equal(expected, Raijin.Segmentation.Dice(masks.to(ScalarType.Float32), truth, 3, format: SegmentationFormat.OneHot), 12);
        Assert.Equal(expected, Raijin.Segmentation.Dice(masks, targets, 3), 12);
        Assert.Equal(expected, Raijin.Segmentation.Dice(predictions, truth, 3), 12);
        Assert.Equal(expected, Raijin.Segmentation.Dice(masks.to(ScalarType.Float32), targets, 3), 12);

        static Tensor Masks(Tensor classes) => stack([classes.eq(0), classes.eq(1), classes.eq(2)], 1);
    }

    [Fact]
    public void Ignored_pixels_do_not_count_in_any_format()
    {
        using var scope = NewDisposeScope();
        var predictions = tensor(new long[] { 0, 1, 1, 0 }).reshape(1, 4);
        var targets = tensor(new long[] { 0, 1, 255, 255 }).reshape(1, 4);
        Assert.Equal(1, Raijin.Segmentation.Dice(predictions, targets, 2, format: SegmentationFormat.Index, ignoreIndex: 255));
        var masks = stack([predictions.eq(0), predictions.eq(1)], 1);
        Assert.Equal(1, Raijin.Segmentation.Dice(masks, targets, 2, ignoreIndex: 255));
        Assert.Equal(1, Raijin.Segmentation.Dice(masks.to(ScalarType.Float32), targets, 2, ignoreIndex: 255));
        var error = Assert.Throws<ArgumentException>(() => new Dice(2, format: SegmentationFormat.OneHot, ignoreIndex: 255));
        Assert.Contains("one-hot targets have none", error.Message);
    }

    [Fact]
    public void Bad_values_are_reported_when_computing()
    {
        using var scope = NewDisposeScope();
        var targets = tensor(new long[] { 0, 1 }).reshape(1, 2);
        Assert.Contains("classes in [0, 2), but 1 value was not; the first was 7", Message(tensor(new long[] { 0, 7 }).reshape(1, 2), targets, SegmentationFormat.Index));
        Assert.Contains("classes in [0, 2), but 1 value was not; the first was 7", Message(zeros(1, 2, 2, ScalarType.Bool), tensor(new long[] { 0, 7 }).reshape(1, 2), SegmentationFormat.Mixed));
        Assert.Contains("masks of 0 and 1, but 4 values were not; the first was 3", Message(full([1, 2, 2], 3, ScalarType.Int64), targets, SegmentationFormat.Mixed));

        static string Message(Tensor predictions, Tensor targets, SegmentationFormat format) =>
            Assert.Throws<MetricInputException>(() => Raijin.Segmentation.Dice(predictions, targets, 2, format: format)).Message;
    }

    [Fact]
    public void Shapes_that_do_not_fit_the_format_are_refused()
    {
        using var scope = NewDisposeScope();
        var (classes, scores) = (zeros(2, 5, 5, ScalarType.Int64), zeros(2, 3, 5, 5));
        foreach (var (predictions, targets, format) in ((Tensor, Tensor, SegmentationFormat)[])
        [
            (classes, classes, SegmentationFormat.Mixed), (scores, classes, SegmentationFormat.Index), (scores, classes, SegmentationFormat.OneHot), (zeros(2, 4, 5, 5), classes, SegmentationFormat.Mixed),
            (scores, zeros(2, 5, 5), SegmentationFormat.Mixed), (zeros(2, 5, 5), zeros(2, 5, 5), SegmentationFormat.Index), (zeros(2, 3, 5, 4), classes, SegmentationFormat.Mixed),
        ])
            Assert.Throws<ShapeMismatchException>(() => Raijin.Segmentation.Dice(predictions, targets, 3, format: format));
        using var metric = new Dice(3);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(scores, classes, ones(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Dice(0));
    }

    [Fact]
    public void An_empty_batch_adds_nothing()
    {
        using var scope = NewDisposeScope();
        foreach (var level in Enum.GetValues<AggregationLevel>())
        {
            Assert.True(double.IsNaN(Raijin.Segmentation.Dice(zeros(0, 2, 4), zeros(0, 4, ScalarType.Int64), 2, level: level)));
            Assert.True(double.IsNaN(Raijin.Segmentation.Dice(zeros(0, 4, ScalarType.Int64), zeros(0, 4, ScalarType.Int64), 2, level: level, format: SegmentationFormat.Index)));
        }
    }

    static (Tensor, Tensor) Random(int seed, ScalarType dtype, int classes = 3)
    {
        var random = new Random(seed);
        Tensor Map() => tensor(Enumerable.Range(0, 6 * 4 * 5).Select(_ => (long)random.Next(classes)).ToArray()).reshape(6, 4, 5).to(dtype);
        return (Map(), Map());
    }
}
