using System.Text.Json;
using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Detection;

public sealed class IntersectionOverUnionTests
{
    static readonly JsonElement Recorded = Recording.Open("overlaps");

    [Fact]
    public void Means_are_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = (new List<Detections>(), new List<GroundTruth>());
        foreach (var image in Recorded.GetProperty("images").EnumerateArray())
        {
            predictions.Add(new(image.GetProperty("found").Tensor(), null, image.GetProperty("found_labels").Tensor(ScalarType.Int64)));
            targets.Add(new(image.GetProperty("there").Tensor(), image.GetProperty("there_labels").Tensor(ScalarType.Int64)));
        }
        foreach (var mean in Recorded.GetProperty("means").EnumerateArray())
        {
            double? threshold = mean.GetProperty("threshold").GetDouble() is var t and > -9 ? t : null;
            var kind = mean.GetProperty("kind").GetString()!;
            using var metric = Metric(kind, threshold, mean.GetProperty("respect").GetBoolean());
            foreach (var i in mean.GetProperty("images").Numbers()) metric.Update([predictions[(int)i]], [targets[(int)i]]);
            Recording.Near(mean.GetProperty("value").Number(), metric.Compute(), 1e-6, kind);
            if (mean.GetProperty("per_class").GetArrayLength() > 0) Recording.Near(mean.GetProperty("per_class").Numbers(), metric.PerClass(), 1e-6, kind);
        }
    }

    static MeanOverlap Metric(string kind, double? threshold, bool respect) => kind switch
    {
        "iou" => new IntersectionOverUnion(threshold: threshold, respectLabels: respect, classes: 3),
        "giou" => new GeneralizedIntersectionOverUnion(threshold: threshold, respectLabels: respect, classes: 3),
        "diou" => new DistanceIntersectionOverUnion(threshold: threshold, respectLabels: respect, classes: 3),
        _ => new CompleteIntersectionOverUnion(threshold: threshold, respectLabels: respect, classes: 3),
    };

    [Fact]
    public void Any_split_and_merge_gives_the_same() => Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 8]).Sample((seed, cut) =>
    {
        using var data = DetectionData.Random(seed, 8, 3);
        using var whole = new GeneralizedIntersectionOverUnion(BoxFormat.Xywh, classes: 3);
        using var first = new GeneralizedIntersectionOverUnion(BoxFormat.Xywh, classes: 3);
        using var second = new GeneralizedIntersectionOverUnion(BoxFormat.Xywh, classes: 3);
        whole.Update(data.Batch);
        first.Update(data.Part(0, cut));
        second.Update(data.Part(cut, 8 - cut));
        second.Merge(first);
        Recording.Near(whole.Compute(), second.Compute(), 1e-9);
        Recording.Near(whole.PerClass(), second.PerClass(), 1e-9);
    }, iter: 10);

    [Fact]
    public void Where_nothing_is_found_each_true_box_counts_as_zero_and_where_no_pair_counts_the_mean_is_zero()
    {
        using var data = new DetectionData().Add([], [[0, 0, 4, 4, 1], [5, 5, 4, 4, 1]]).Add([[0, 0, 4, 4, 0.5, 1]], [[0, 0, 4, 4, 1]]).Add([], []);
        using var metric = new IntersectionOverUnion(BoxFormat.Xywh);
        Assert.Equal(1.0 / 3, metric.Of(data.Batch), 12);
        using var strangers = new DetectionData().Add([[0, 0, 4, 4, 0.5, 2]], [[0, 0, 4, 4, 1]]);
        Assert.Equal(0, metric.Of(strangers.Batch));
        using var anyLabel = new IntersectionOverUnion(BoxFormat.Xywh, respectLabels: false);
        Assert.Equal(1, anyLabel.Of(strangers.Batch));
        Assert.Equal(2.0 / 3, 1 - anyLabel.Of(data.Batch), 12);
    }

    [Fact]
    public void Labels_out_of_range_are_reported_and_classes_need_their_number()
    {
        using var data = new DetectionData().Add([[0, 0, 4, 4, 0.5, 7]], [[0, 0, 4, 4, 7]]);
        using var metric = new IntersectionOverUnion(BoxFormat.Xywh, classes: 3);
        metric.Update(data.Batch);
        Assert.Contains("labels in [0, 3), but 1 value was not; the first was 7", Assert.Throws<MetricInputException>(() => metric.Compute()).Message);
        using var unclassed = new IntersectionOverUnion(BoxFormat.Xywh);
        unclassed.Update(data.Batch);
        Assert.Equal(1, unclassed.Compute());
        Assert.Throws<InvalidOperationException>(unclassed.PerClass);
    }

    [Fact]
    public void Overlaps_in_a_collection_share_states_only_where_their_options_are_equal()
    {
        using var metrics = new MetricCollection<DetectionBatch> { { "iou", new IntersectionOverUnion() }, { "again", new IntersectionOverUnion() }, { "giou", new GeneralizedIntersectionOverUnion() } };
        Assert.Equal(2, metrics.NumAccumulations);
    }
}
