using System.Text.Json;
using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Masks;

public sealed class HausdorffDistanceTests
{
    static readonly JsonElement Recorded = Recording.Open("distances");

    // numpy's brute force, held equal to scipy's and scikit-image's where they have the case.
    [Fact]
    public void Distances_in_one_two_and_three_dimensions_are_those_of_all_pairs()
    {
        using var scope = NewDisposeScope();
        foreach (var masks in Recorded.GetProperty("masks").EnumerateArray())
        {
            var (a, b) = (masks.GetProperty("a").Tensor(ScalarType.Bool).unsqueeze(0).unsqueeze(0), masks.GetProperty("b").Tensor(ScalarType.Bool).unsqueeze(0).unsqueeze(0));
            foreach (var expected in masks.GetProperty("distances").EnumerateArray())
            {
                var metric = Enum.Parse<PixelDistance>(expected.GetProperty("metric").GetString()!, ignoreCase: true);
                var (spacing, percentile) = (expected.GetProperty("spacing").Numbers(), expected.GetProperty("percentile").GetDouble());
                foreach (var directed in (bool[])[false, true])
                    Recording.Near(
                        expected.GetProperty(directed ? "directed" : "value").Number(),
                        Raijin.Segmentation.HausdorffDistance(a, b, 1, metric, spacing, directed, percentile, format: SegmentationFormat.OneHot), 1e-12, $"{metric} {directed} {percentile}");
            }
        }
    }

    [Fact]
    public void The_mean_over_samples_and_classes_is_torchmetrics()
    {
        using var scope = NewDisposeScope();
        foreach (var expected in Recorded.GetProperty("torchmetrics").EnumerateArray())
        {
            var (predictions, targets) = (expected.GetProperty("predictions").Tensor(ScalarType.Int64), expected.GetProperty("targets").Tensor(ScalarType.Int64));
            var metric = Enum.Parse<PixelDistance>(expected.GetProperty("metric").GetString()!, ignoreCase: true);
            Recording.Near(
                expected.GetProperty("value").Number(),
                Raijin.Segmentation.HausdorffDistance(predictions, targets, 3, metric, directed: expected.GetProperty("directed").GetBoolean(), format: SegmentationFormat.Index), 1e-6, metric.ToString());
        }
    }

    [Fact]
    public void Ops_on_a_device_and_the_kernel_of_the_host_measure_the_same() => Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 2], Gen.Bool).Sample((seed, share, directed) =>
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        Tensor Edges() => tensor(Enumerable.Range(0, 2 * 2 * 7 * 9).Select(_ => random.Next(7) == 0).ToArray()).reshape(2, 2, 7, 9);
        var (predictions, targets) = (Edges(), Edges());
        var percentile = ((double[])[100, 95, 30])[share];
        foreach (var distance in Enum.GetValues<PixelDistance>())
        {
            var accumulation = new EdgeDistances(new SegmentationInput(2, SegmentationFormat.OneHot, null), distance, new([0.5, 1.25]), directed, percentile, IncludeBackground: true);
            Recording.Near(accumulation.OnHost(predictions, targets).data<double>().ToArray(), accumulation.OnDevice(predictions, targets).data<double>().ToArray(), 1e-12, distance.ToString());
        }
    }, iter: 10);

    [Fact]
    public void A_mask_that_is_empty_is_infinitely_far_and_two_of_them_are_left_out()
    {
        using var scope = NewDisposeScope();
        var (empty, dot) = (zeros(1, 1, 4, 4, ScalarType.Bool), zeros(1, 1, 4, 4, ScalarType.Bool));
        dot[0, 0, 1, 1] = true;
        using var metric = new HausdorffDistance(1, format: SegmentationFormat.OneHot, percentile: 95);
        Assert.Equal(double.PositiveInfinity, metric.Of(empty, dot));
        Assert.Equal(double.PositiveInfinity, metric.Of(dot, empty));
        Assert.True(double.IsNaN(metric.Of(empty, empty)));
        Assert.Equal(0, metric.Of(cat([empty, dot]), cat([empty, dot])));
    }

    [Fact]
    public void Classes_are_told_apart_and_the_background_is_left_out_unless_asked_for()
    {
        using var scope = NewDisposeScope();
        var predictions = tensor(new long[] { 1, 0, 0, 0, 0, 2 }).reshape(1, 6);
        var targets = tensor(new long[] { 0, 0, 1, 0, 0, 2 }).reshape(1, 6);
        using var metric = new HausdorffDistance(4, format: SegmentationFormat.Index);
        metric.Update(predictions, targets);
        Assert.Equal(1, metric.Compute());
        Recording.Near([2, 0, double.NaN], metric.PerClass(), 1e-12);
        using var all = new HausdorffDistance(4, format: SegmentationFormat.Index, includeBackground: true);
        all.Update(predictions, targets);
        Assert.Equal(4, all.PerClass().Count);
    }

    [Fact]
    public void Any_split_and_merge_gives_the_same() => Gen.Select(Gen.Int[0, 1000], Gen.Int[1, 4]).Sample((seed, cut) =>
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        Tensor Map() => tensor(Enumerable.Range(0, 5 * 6 * 6).Select(_ => (long)random.Next(3)).ToArray()).reshape(5, 6, 6);
        var (predictions, targets) = (Map(), Map());
        using var whole = new HausdorffDistance(3, format: SegmentationFormat.Index);
        using var first = new HausdorffDistance(3, format: SegmentationFormat.Index);
        using var second = new HausdorffDistance(3, format: SegmentationFormat.Index);
        whole.Update(predictions, targets);
        first.Update(predictions.narrow(0, 0, cut), targets.narrow(0, 0, cut));
        second.Update(predictions.narrow(0, cut, 5 - cut), targets.narrow(0, cut, 5 - cut));
        first.Merge(second);
        Recording.Near(whole.Compute(), first.Compute(), 1e-9);
    }, iter: 10);

    [Fact]
    public void Options_are_checked_and_equal_ones_share_their_states()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new HausdorffDistance(2, percentile: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HausdorffDistance(2, percentile: 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HausdorffDistance(2, spacing: [1, 0]));
        using var scope = NewDisposeScope();
        using var metric = new HausdorffDistance(2, spacing: [1, 2]);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(1, 2, 4), zeros(1, 4, ScalarType.Int64)));
        using var metrics = new MetricCollection { { "a", new HausdorffDistance(2, spacing: [1, 2]) }, { "b", new HausdorffDistance(2, spacing: [1, 2]) }, { "c", new HausdorffDistance(2, spacing: [1, 3]) } };
        Assert.Equal(2, metrics.NumAccumulations);
    }
}
