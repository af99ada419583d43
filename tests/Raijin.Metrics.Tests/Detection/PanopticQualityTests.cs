using System.Text.Json;
using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Detection;

public sealed class PanopticQualityTests
{
    static readonly JsonElement Recorded = Recording.Open("panoptic");

    // torchmetrics divides IoUs in float32: 1e-6.
    [Fact]
    public void Qualities_of_every_category_and_their_means_are_torchmetrics()
    {
        using var scope = NewDisposeScope();
        foreach (var expected in Recorded.EnumerateArray())
        {
            var (things, stuffs) = (Longs(expected.GetProperty("things")), Longs(expected.GetProperty("stuffs")));
            var (predictions, targets) = (expected.GetProperty("predictions").Tensor(ScalarType.Int64), expected.GetProperty("targets").Tensor(ScalarType.Int64));
            using var metric = new PanopticQuality(things, stuffs, allowUnknownPredictions: true);
            metric.Update(predictions, targets);
            var result = metric.Compute();
            var pq = expected.GetProperty("pq");
            Assert.Equal([1L, 4, 2, 3], result.PerCategory.Select(c => c.Category));
            Assert.Equal([true, true, false, false], result.PerCategory.Select(c => c.IsThing));
            Recording.Near(pq[0].Numbers(), [.. result.PerCategory.Select(c => Met(c.Pq))], 1e-6, "pq");
            Recording.Near(pq[1].Numbers(), [.. result.PerCategory.Select(c => Met(c.Sq))], 1e-6, "sq");
            Recording.Near(pq[2].Numbers(), [.. result.PerCategory.Select(c => Met(c.Rq))], 1e-6, "rq");
            Recording.Near([pq[3].Number(), pq[4].Number(), pq[5].Number()], [.. metric.ComputeScalars().Select(s => s.Value)], 1e-6, "means");

            using var modified = new ModifiedPanopticQuality(things, stuffs, allowUnknownPredictions: true);
            modified.Update(predictions, targets);
            Recording.Near(expected.GetProperty("modified")[0].Numbers(), [.. modified.PerClass().Select(Met)], 1e-6, "modified");
            Recording.Near(expected.GetProperty("modified")[3].Number(), modified.Compute(), 1e-6, "modified");
        }

        // torchmetrics gives 0 to a category that was not met.
        static double Met(double quality) => double.IsNaN(quality) ? 0 : quality;
    }

    [Fact]
    public void Any_split_and_merge_counts_the_same() => Gen.Select(Gen.Int[0, 1000], Gen.Int[1, 3]).Sample((seed, cut) =>
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        Tensor Map() => tensor(Enumerable.Range(0, 4 * 5 * 6 * 2).Select(i => (long)random.Next(i % 2 == 0 ? 4 : 2)).ToArray()).reshape(4, 5, 6, 2);
        var (predictions, targets) = (Map(), Map());
        targets.slice(2, 0, 4, 1).copy_(predictions.slice(2, 0, 4, 1));
        using var whole = new PanopticQuality([1, 2], [0], allowUnknownPredictions: true);
        using var first = new PanopticQuality([1, 2], [0], allowUnknownPredictions: true);
        using var second = new PanopticQuality([1, 2], [0], allowUnknownPredictions: true);
        whole.Update(predictions, targets);
        first.Update(predictions.narrow(0, 0, cut), targets.narrow(0, 0, cut));
        second.Update(predictions.narrow(0, cut, 4 - cut), targets.narrow(0, cut, 4 - cut));
        second.Merge(first);
        Recording.Near([.. whole.ComputeScalars().Select(s => s.Value)], [.. second.ComputeScalars().Select(s => s.Value)], 1e-9);
    }, iter: 10);

    [Fact]
    public void Equal_maps_are_perfect_whatever_instances_are_called_and_nothing_known_is_no_number()
    {
        using var scope = NewDisposeScope();
        var targets = tensor(new long[] { 1, 5, 1, 5, 1, 7, 2, 0 }).reshape(1, 4, 2);
        var renamed = tensor(new long[] { 1, 4294967295, 1, 4294967295, 1, 0, 2, -3 }).reshape(1, 4, 2);
        var result = Raijin.Segmentation.PanopticQuality(renamed, targets, [1], [2]);
        Assert.Equal((1, 1, 1), (result.Pq, result.Sq, result.Rq));
        using var metric = new PanopticQuality([8], [9], allowUnknownPredictions: true);
        Assert.True(double.IsNaN(metric.Of(targets, targets).Pq));
    }

    [Fact]
    public void Unknown_predictions_are_reported_unless_allowed()
    {
        using var scope = NewDisposeScope();
        var targets = tensor(new long[] { 1, 0, 2, 0 }).reshape(1, 2, 2);
        var predictions = tensor(new long[] { 1, 0, 6, 0 }).reshape(1, 2, 2);
        Assert.Contains("among things and stuffs, but 1 value was not; the first was 6", Assert.Throws<MetricInputException>(() => Raijin.Segmentation.PanopticQuality(predictions, targets, [1], [2])).Message);
        var negative = tensor(new long[] { 1, -1, 2, 0 }).reshape(1, 2, 2);
        Assert.Contains("instances in [0, 4294967296), but 1 value was not; the first was -1", Assert.Throws<MetricInputException>(() => Raijin.Segmentation.PanopticQuality(negative, targets, [1], [2])).Message);
    }

    [Fact]
    public void Categories_and_shapes_are_checked()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => new PanopticQuality([], []));
        Assert.Contains("Categories 2 are both", Assert.Throws<ArgumentException>(() => new PanopticQuality([1, 2], [2])).Message);
        using var metric = new PanopticQuality([1], [2]);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(1, 2, 3, ScalarType.Int64), zeros(1, 2, 3, ScalarType.Int64)));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(1, 2, 2), zeros(1, 2, 2)));
        using var metrics = new MetricCollection { { "a", new PanopticQuality([1, 4], [2]) }, { "b", new PanopticQuality([4, 1, 1], [2]) }, { "c", new ModifiedPanopticQuality([1, 4], [2]) } };
        Assert.Equal(2, metrics.NumAccumulations);
    }

    static long[] Longs(JsonElement values) => [.. values.Numbers().Select(v => (long)v)];
}
