using System.Text.Json;
using CsCheck;
using Raijin.Charts;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Detection;

public sealed class MeanAveragePrecisionTests
{
    static readonly JsonElement Coco = Recording.Open("coco");

    [Theory]
    [InlineData("plain")]
    [InlineData("crowds and areas")]
    [InlineData("ties")]
    [InlineData("more found than count")]
    [InlineData("other thresholds")]
    [InlineData("labels not looked at")]
    [InlineData("masks")]
    public void Every_number_is_pycocotools(string name)
    {
        var expected = Coco.GetProperty(name);
        using var metric = Metric(expected.GetProperty("options"), out var masks);
        using var data = DetectionData.Of(expected.GetProperty("images"), masks);
        metric.Update(data.Batch);

        var scalars = metric.ComputeScalars();
        Assert.Equal(expected.GetProperty("summary").EnumerateObject().Select(p => p.Name), scalars.Select(s => s.Key));
        Recording.Near([.. expected.GetProperty("summary").EnumerateObject().Select(p => p.Value.Number())], [.. scalars.Select(s => s.Value)], 1e-12, name);

        var perClass = metric.Compute().PerClass;
        Assert.Equal(expected.GetProperty("per_class").EnumerateArray().Select(c => c.GetProperty("label").GetInt64()), perClass.Select(c => c.Label));
        foreach (var (c, one) in expected.GetProperty("per_class").EnumerateArray().Zip(perClass))
            Recording.Near([c.GetProperty("map").Number(), c.GetProperty("map_50").Number(), c.GetProperty("mar").Number()], [one.Map, one.Map50, one.Mar], 1e-12, name);
    }

    // The whole tables, as dot products with fixed weights; pycocotools writes -1 where we write NaN.
    [Theory]
    [InlineData("plain")]
    [InlineData("crowds and areas")]
    [InlineData("ties")]
    [InlineData("more found than count")]
    [InlineData("other thresholds")]
    [InlineData("labels not looked at")]
    [InlineData("masks")]
    public void Every_table_is_pycocotools(string name)
    {
        var expected = Coco.GetProperty(name);
        using var metric = Metric(expected.GetProperty("options"), out var masks);
        using var data = DetectionData.Of(expected.GetProperty("images"), masks);
        metric.Update(data.Batch);
        var tables = metric.ComputeTables();
        Assert.Equal(expected.GetProperty("thresholds").Numbers(), tables.IouThresholds);
        Assert.Equal(expected.GetProperty("recalls").Numbers(), tables.RecallThresholds);
        Assert.Equal(expected.GetProperty("limits").Numbers(), tables.MaxDetections.Select(l => (double)l));

        var (precision, recall, scores, at, recallAt) = (0.0, 0.0, 0.0, 0, 0);
        var classes = Math.Max(tables.Labels.Count, 1);
        for (var t = 0; t < tables.IouThresholds.Count; t++)
        {
            for (var r = 0; r < tables.RecallThresholds.Count; r++)
                for (var k = 0; k < classes; k++)
                    foreach (var size in Enum.GetValues<ObjectSize>())
                        for (var m = 0; m < tables.MaxDetections.Count; m++, at++)
                        {
                            precision += Known(tables.Precision(t, r, k, size, m)) * Math.Cos(at * 0.7);
                            scores += Known(tables.Score(t, r, k, size, m)) * Math.Cos(at * 0.7);
                        }
            for (var k = 0; k < classes; k++)
                foreach (var size in Enum.GetValues<ObjectSize>())
                    for (var m = 0; m < tables.MaxDetections.Count; m++, recallAt++) recall += Known(tables.Recall(t, k, size, m)) * Math.Cos(recallAt * 0.7);
        }
        var sums = expected.GetProperty("sums");
        Recording.Near([sums.GetProperty("precision").Number(), sums.GetProperty("recall").Number(), sums.GetProperty("scores").Number()], [precision, recall, scores], 1e-9, name);

        static double Known(double value) => double.IsNaN(value) ? -1 : value;
    }

    [Fact]
    public void Ops_on_a_device_and_the_kernel_of_the_host_gather_the_same()
    {
        using var data = DetectionData.Random(3, 12, 3);
        foreach (var format in Enum.GetValues<BoxFormat>())
        {
            var accumulation = new DetectionRows(format, IouType.Boxes);
            using var byKernel = new MetricStates();
            using var byOps = new MetricStates();
            accumulation.Declare(byKernel);
            accumulation.Declare(byOps);
            Assert.True(accumulation.TryAddOnHost(byKernel, data.Batch));
            using (NewDisposeScope()) accumulation.Add(byOps, data.Batch);
            foreach (var (a, b) in byKernel.Zip(byOps)) Assert.True(a.Value.Equals(b.Value), a.Name);
        }
    }

    [Fact]
    public void Any_split_and_any_order_of_merging_gives_the_same() => Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 9], Gen.Bool).Sample((seed, cut, swap) =>
    {
        using var data = DetectionData.Random(seed, 9, 3);
        using var whole = new MeanAveragePrecision(BoxFormat.Xywh);
        using var first = new MeanAveragePrecision(BoxFormat.Xywh);
        using var second = new MeanAveragePrecision(BoxFormat.Xywh);
        whole.Update(data.Batch);
        first.Update(data.Part(0, cut));
        second.Update(data.Part(cut, 9 - cut));
        // Distinct scores, so the images' order decides nothing.
        var (into, from) = swap ? (second, first) : (first, second);
        into.Merge(from);
        Assert.Equal(whole.ComputeScalars(), into.ComputeScalars());
    }, iter: 15);

    [Fact]
    public void Boxes_of_every_format_score_the_same()
    {
        using var data = DetectionData.Random(5, 10, 2);
        using var reference = new MeanAveragePrecision(BoxFormat.Xywh);
        var expected = reference.Of(data.Batch).Map;
        Assert.True(expected is > 0 and < 1);
        foreach (var format in (BoxFormat[])[BoxFormat.Xyxy, BoxFormat.Cxcywh])
        {
            using var scope = NewDisposeScope();
            using var metric = new MeanAveragePrecision(format);
            var predictions = data.Predictions.Select(p => p with { Boxes = Boxes.Convert(p.Boxes!, BoxFormat.Xywh, format) }).ToList();
            var targets = data.Targets.Select(t => t with { Boxes = Boxes.Convert(t.Boxes!, BoxFormat.Xywh, format) }).ToList();
            Assert.Equal(expected, metric.Of(predictions, targets).Map);
            Assert.Equal(expected, Boxes.MeanAveragePrecision(predictions, targets, format).Map);
        }
    }

    [Fact]
    public void Nothing_there_is_no_number_and_nothing_found_is_zero()
    {
        using var data = new DetectionData().Add([[0, 0, 9, 9, 0.5, 1]], []).Add([], []);
        using var metric = new MeanAveragePrecision(BoxFormat.Xywh);
        metric.Update(data.Batch);
        var nothing = metric.Compute();
        Assert.True(double.IsNaN(nothing.Map) && double.IsNaN(nothing.Mar[100]) && double.IsNaN(nothing.PerClass[0].Map));

        using var more = new DetectionData().Add([], [[0, 0, 9, 9, 2, 0, -1]]);
        metric.Update(more.Batch);
        var some = metric.Compute();
        Assert.Equal(0, some.Map);
        Assert.Equal(0, some.Mar[1]);
        Assert.Equal([1L, 2L], some.PerClass.Select(c => c.Label));
        Assert.True(double.IsNaN(some.PerClass[0].Map));
        Assert.True(double.IsNaN(some.MapLarge));
    }

    [Fact]
    public void No_images_give_no_number()
    {
        using var metric = new MeanAveragePrecision();
        metric.Update([], []);
        Assert.True(double.IsNaN(metric.ComputeScalar()));
        Assert.Empty(metric.Compute().PerClass);
    }

    [Fact]
    public void What_is_found_in_a_crowd_counts_neither_way()
    {
        // The crowd holds two finds that are surer than the right one.
        using var data = new DetectionData().Add(
            [[0, 0, 10, 10, 0.9, 1], [20, 20, 10, 10, 0.8, 1], [60, 60, 10, 10, 0.7, 1]],
            [[0, 0, 50, 50, 1, 1, -1], [60, 60, 10, 10, 1, 0, -1]]);
        using var metric = new MeanAveragePrecision(BoxFormat.Xywh);
        Assert.Equal(1, metric.Of(data.Batch).Map, 12);
    }

    [Fact]
    public void Bad_numbers_are_reported_when_computing()
    {
        using var boxes = new DetectionData().Add([[5, 5, -1, 4, 0.5, 1]], []);
        using var scores = new DetectionData().Add([[5, 5, 1, 4, double.NaN, 1]], []);
        using var metric = new MeanAveragePrecision(BoxFormat.Xywh);
        metric.Update(boxes.Batch);
        Assert.Contains("not negative, but 1 value was not; the first was -1", Assert.Throws<MetricInputException>(metric.Compute).Message);
        metric.Reset();
        metric.Update(scores.Batch);
        Assert.Contains("scores that are numbers", Assert.Throws<MetricInputException>(metric.Compute).Message);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused_by_name()
    {
        using var scope = NewDisposeScope();
        using var metric = new MeanAveragePrecision();
        var (boxes, scores, labels) = (zeros(2, 4), zeros(2), zeros(2, ScalarType.Int64));
        Assert.StartsWith("predictions[0].scores: expected [2], as labels has, but it is [3]", Refused(new(boxes, zeros(3), labels), new(boxes, labels)));
        Assert.StartsWith("predictions[0].scores: expected [2], but it is missing", Refused(new(boxes, null, labels), new(boxes, labels)));
        Assert.StartsWith("targets[0].boxes: expected [2, 4], as labels has, but it is [2, 5]", Refused(new(boxes, scores, labels), new(zeros(2, 5), labels)));
        Assert.StartsWith("targets[0].labels: expected [n], integer, but it is [2] Float32", Refused(new(boxes, scores, labels), new(boxes, scores)));
        Assert.StartsWith("targets: expected 1 images", Assert.Throws<ShapeMismatchException>(() => metric.Update([new(boxes, scores, labels)], [])).Message);
        using var masks = new MeanAveragePrecision(iouType: IouType.Masks);
        var error = Assert.Throws<ShapeMismatchException>(() => masks.Update([new(null, scores, labels, zeros(2, 3, 3, ScalarType.Bool))], [new(null, labels, Masks: zeros(2, 3, 4, ScalarType.Bool))]));
        Assert.StartsWith("targets[0].masks: expected [2, 3, 3], the pixels of predictions, but it is [2, 3, 4]", error.Message);
        Assert.Equal(0, metric.Updates);

        string Refused(Detections found, GroundTruth there) => Assert.Throws<ShapeMismatchException>(() => metric.Update([found], [there])).Message;
    }

    [Fact]
    public void Options_are_checked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MeanAveragePrecision(iouThresholds: [0.5, 1.5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MeanAveragePrecision(iouThresholds: []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MeanAveragePrecision(maxDetections: [0]));
    }

    [Fact]
    public void Bootstraps_can_choose_images()
    {
        using var data = DetectionData.Random(8, 6, 2);
        using var scope = NewDisposeScope();
        using var metric = new MeanAveragePrecision(BoxFormat.Xywh);
        var chosen = data.Batch.Select(tensor(new long[] { 4, 1 }));
        Assert.Equal(2, chosen.Count);
        Assert.Equal(0, data.Batch.Select(zeros(0, ScalarType.Int64)).Count);
        Assert.Equal(metric.Of([data.Predictions[4], data.Predictions[1]], [data.Targets[4], data.Targets[1]]).Map, metric.Of(chosen).Map);
    }

    [Fact]
    public void The_picture_shows_the_mean_and_each_class()
    {
        using var data = DetectionData.Random(5, 10, 2, crowds: false);
        using var metric = new MeanAveragePrecision(BoxFormat.Xywh);
        metric.Update(data.Batch);
        var chart = Assert.IsType<LineChart>(metric.Plot());
        Assert.Equal(["mean", "0", "1"], chart.Curves.Select(c => c.Name));
        Assert.Equal(metric.Compute().Map50, chart.Curves[0].Y.Average(), 12);
        Assert.Equal("Precision over recall at IoU 0.5", chart.Title);
    }

    static MeanAveragePrecision Metric(JsonElement options, out (int, int)? masks)
    {
        masks = options.TryGetProperty("size", out var size) ? ((int)size.Numbers()[0], (int)size.Numbers()[1]) : null;
        return new(
            BoxFormat.Xywh,
            masks is null ? IouType.Boxes : IouType.Masks,
            options.TryGetProperty("iou_thresholds", out var ious) ? ious.Numbers() : null,
            options.TryGetProperty("recalls", out var recalls) ? recalls.Numbers() : null,
            options.TryGetProperty("limits", out var limits) ? [.. limits.Numbers().Select(l => (int)l)] : null,
            options.TryGetProperty("agnostic", out _));
    }
}
