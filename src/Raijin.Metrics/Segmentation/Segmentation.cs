using static TorchSharp.torch;

namespace Raijin;

/// <summary>Scores of segmentations as plain functions; each is a metric of one batch.</summary>
public static class Segmentation
{
    /// <inheritdoc cref="Raijin.Dice"/>
    /// <param name="predictions">As <paramref name="format"/> has it; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    public static double Dice(
        Tensor predictions,
        Tensor targets,
        int classes,
        Average average = Average.Macro,
        AggregationLevel level = AggregationLevel.Samplewise,
        bool includeBackground = true,
        SegmentationFormat format = SegmentationFormat.Mixed,
        long? ignoreIndex = null) => Of(new Dice(classes, average, level, includeBackground, format, ignoreIndex), predictions, targets);

    /// <inheritdoc cref="Raijin.GeneralizedDice"/>
    /// <param name="predictions">As <paramref name="format"/> has it; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    public static double GeneralizedDice(
        Tensor predictions,
        Tensor targets,
        int classes,
        DiceWeights weights = DiceWeights.Square,
        bool includeBackground = true,
        SegmentationFormat format = SegmentationFormat.Mixed,
        long? ignoreIndex = null) => Of(new GeneralizedDice(classes, weights, includeBackground, format, ignoreIndex), predictions, targets);

    /// <inheritdoc cref="Raijin.MeanIoU"/>
    /// <param name="predictions">As <paramref name="format"/> has it; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    public static double MeanIoU(
        Tensor predictions,
        Tensor targets,
        int classes,
        AggregationLevel level = AggregationLevel.Samplewise,
        bool includeBackground = true,
        SegmentationFormat format = SegmentationFormat.Mixed,
        long? ignoreIndex = null) => Of(new MeanIoU(classes, level, includeBackground, format, ignoreIndex), predictions, targets);

    /// <inheritdoc cref="Raijin.HausdorffDistance(int, PixelDistance, IReadOnlyList{double}?, bool, double, bool, SegmentationFormat, long?)"/>
    /// <param name="predictions">As <paramref name="format"/> has it; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    public static double HausdorffDistance(
        Tensor predictions,
        Tensor targets,
        int classes,
        PixelDistance distance = PixelDistance.Euclidean,
        IReadOnlyList<double>? spacing = null,
        bool directed = false,
        double percentile = 100,
        bool includeBackground = false,
        SegmentationFormat format = SegmentationFormat.Mixed,
        long? ignoreIndex = null) => Of(new HausdorffDistance(classes, distance, spacing, directed, percentile, includeBackground, format, ignoreIndex), predictions, targets);

    /// <inheritdoc cref="Raijin.PanopticQuality"/>
    /// <param name="predictions">Category and instance of each pixel, [B, …, 2]; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    public static PanopticQualityResult PanopticQuality(Tensor predictions, Tensor targets, IReadOnlyList<long> things, IReadOnlyList<long> stuffs)
    {
        using var metric = new PanopticQuality(things, stuffs);
        return metric.Of(predictions, targets);
    }

    /// <inheritdoc cref="Raijin.ModifiedPanopticQuality"/>
    /// <inheritdoc cref="PanopticQuality"/>
    public static double ModifiedPanopticQuality(Tensor predictions, Tensor targets, IReadOnlyList<long> things, IReadOnlyList<long> stuffs) =>
        Of(new ModifiedPanopticQuality(things, stuffs), predictions, targets);

    static double Of(ScalarMetric<Comparison> metric, Tensor predictions, Tensor targets)
    {
        using (metric) return metric.Of(predictions, targets);
    }
}
