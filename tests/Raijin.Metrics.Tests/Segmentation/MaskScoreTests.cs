using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Masks;

public sealed class MaskScoreTests
{
    static readonly JsonElement Recorded = Recording.Open("scores");

    // torchmetrics divides in float32: 1e-6.
    [Fact]
    public void Dice_is_torchmetrics_of_every_format_average_and_level()
    {
        using var scope = NewDisposeScope();
        foreach (var expected in Cases("dice"))
        {
            var (predictions, targets, classes, format) = Input(expected);
            using var metric = new Dice(
                classes,
                Enum.Parse<Average>(expected.GetProperty("average").GetString()!, ignoreCase: true),
                Enum.Parse<AggregationLevel>(expected.GetProperty("level").GetString()!, ignoreCase: true),
                expected.GetProperty("background").GetBoolean(),
                format);
            metric.Update(predictions, targets);
            Recording.Near(expected.GetProperty("value").Number(), metric.Compute(), 1e-6, expected.ToString());
            Recording.Near(expected.GetProperty("per_class").Numbers(), metric.PerClass(), 1e-6, expected.ToString());
        }
    }

    [Fact]
    public void Mean_IoU_is_torchmetrics_of_every_format()
    {
        using var scope = NewDisposeScope();
        foreach (var expected in Cases("iou"))
        {
            var (predictions, targets, classes, format) = Input(expected);
            using var metric = new MeanIoU(classes, includeBackground: expected.GetProperty("background").GetBoolean(), format: format);
            metric.Update(predictions, targets);
            Recording.Near(expected.GetProperty("value").Number(), metric.Compute(), 1e-6, expected.ToString());
            Recording.Near(expected.GetProperty("per_class").Numbers(), metric.PerClass(), 1e-6, expected.ToString());
        }
    }

    [Fact]
    public void Generalized_dice_is_torchmetrics_where_no_class_is_absent()
    {
        using var scope = NewDisposeScope();
        foreach (var expected in Cases("generalized"))
        {
            var (predictions, targets, classes, format) = Input(expected);
            var sample = expected.GetProperty("sample").GetInt64();
            var weights = Enum.Parse<DiceWeights>(expected.GetProperty("weights").GetString()!, ignoreCase: true);
            var score = Raijin.Segmentation.GeneralizedDice(predictions.narrow(0, sample, 1), targets.narrow(0, sample, 1), classes, weights, expected.GetProperty("background").GetBoolean(), format);
            Recording.Near(expected.GetProperty("value").Number(), score, 1e-6, expected.ToString());
        }
    }

    static IEnumerable<JsonElement> Cases(string score) => Recorded.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("score").GetString() == score);

    static (Tensor Predictions, Tensor Targets, int Classes, SegmentationFormat Format) Input(JsonElement expected) => expected.GetProperty("form").GetString() switch
    {
        "index" => (Recorded.GetProperty("predictions").Tensor(ScalarType.Int64), Recorded.GetProperty("targets").Tensor(ScalarType.Int64), 4, SegmentationFormat.Index),
        "one-hot" => (Recorded.GetProperty("masks").Tensor(ScalarType.Bool), Recorded.GetProperty("truth").Tensor(ScalarType.Int64), 3, SegmentationFormat.OneHot),
        _ => (Recorded.GetProperty("logits").Tensor(), Recorded.GetProperty("targets").Tensor(ScalarType.Int64), 4, SegmentationFormat.Mixed),
    };

    [Fact]
    public void A_global_mean_IoU_is_of_all_pixels()
    {
        using var scope = NewDisposeScope();
        var predictions = tensor(new long[] { 0, 0, 1, 1, 2, 2, 1, 1 }).reshape(2, 4);
        var targets = tensor(new long[] { 0, 1, 1, 1, 2, 1, 1, 1 }).reshape(2, 4);
        // Class 0: 1/2, class 1: 4/6, class 2: 1/2, and class 3 is nowhere.
        Assert.Equal((0.5 + 4.0 / 6 + 0.5) / 3, Raijin.Segmentation.MeanIoU(predictions, targets, 4, AggregationLevel.Global, format: SegmentationFormat.Index), 12);
        using var metric = new MeanIoU(4, AggregationLevel.Global, format: SegmentationFormat.Index);
        metric.Update(predictions, targets);
        Recording.Near([0.5, 4.0 / 6, 0.5, double.NaN], metric.PerClass(), 1e-12);
    }

    // An absent class weighs as the heaviest present one, of its own sample: 1 pixel of class 1 gives 1, so a false pixel of class 2 costs 1 too.
    [Fact]
    public void An_absent_class_weighs_as_the_heaviest_of_its_sample_however_samples_are_batched()
    {
        using var scope = NewDisposeScope();
        var predictions = tensor(new long[] { 0, 0, 2, 1, 2, 2, 2, 1 }).reshape(2, 4);
        var targets = tensor(new long[] { 0, 0, 0, 1, 2, 2, 2, 1 }).reshape(2, 4);
        var first = 2 * (2 / 9.0 + 1) / (5 / 9.0 + 2 + 1);
        var metric = new GeneralizedDice(3, format: SegmentationFormat.Index);
        using (metric)
        {
            Assert.Equal(first, metric.Of(predictions.narrow(0, 0, 1), targets.narrow(0, 0, 1)), 12);
            Assert.Equal((first + 1) / 2, metric.Of(predictions, targets), 12);
        }
    }

    [Fact]
    public void Samples_without_a_score_are_left_out_and_only_false_pixels_score_nothing()
    {
        using var scope = NewDisposeScope();
        // Without the background: nothing at all, something false, half right.
        var predictions = tensor(new long[] { 0, 0, 1, 0, 1, 1 }).reshape(3, 2);
        var targets = tensor(new long[] { 0, 0, 0, 0, 1, 0 }).reshape(3, 2);
        foreach (var average in Enum.GetValues<Average>())
            Assert.Equal((0 + 2.0 / 3) / 2, Raijin.Segmentation.Dice(predictions, targets, 2, average, includeBackground: false, format: SegmentationFormat.Index), 12);
        foreach (var weights in Enum.GetValues<DiceWeights>())
            Assert.Equal((0 + 2.0 / 3) / 2, Raijin.Segmentation.GeneralizedDice(predictions, targets, 2, weights, includeBackground: false, format: SegmentationFormat.Index), 12);
        Assert.Equal((0 + 0.5) / 2, Raijin.Segmentation.MeanIoU(predictions, targets, 2, includeBackground: false, format: SegmentationFormat.Index), 12);
        var (none, empty) = (predictions.narrow(0, 0, 1), targets.narrow(0, 0, 1));
        Assert.True(double.IsNaN(Raijin.Segmentation.Dice(none, empty, 2, includeBackground: false, format: SegmentationFormat.Index)));
        Assert.True(double.IsNaN(Raijin.Segmentation.GeneralizedDice(none, empty, 2, includeBackground: false, format: SegmentationFormat.Index)));
        Assert.True(double.IsNaN(Raijin.Segmentation.MeanIoU(none, empty, 2, includeBackground: false, format: SegmentationFormat.Index)));
    }

    [Fact]
    public void Scores_of_equal_input_share_their_counts()
    {
        using var metrics = new MetricCollection
        {
            { "dice", new Dice(3) }, { "generalized", new GeneralizedDice(3) }, { "iou", new MeanIoU(3, includeBackground: false) }, { "global", new MeanIoU(3, AggregationLevel.Global) },
        };
        Assert.Equal(2, metrics.NumAccumulations);
    }
}
