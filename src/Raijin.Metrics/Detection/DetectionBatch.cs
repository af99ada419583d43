// n found and m true objects of an image, H × W its pixels

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What a model found in one image.</summary>
/// <param name="Boxes">[n, 4], floating or integer, in the metric's <see cref="BoxFormat"/>; null where a metric of masks needs none. Borrowed.</param>
/// <param name="Scores">How sure it is of each, [n], floating; null where the metric needs none. Borrowed.</param>
/// <param name="Labels">Classes, [n], integer; borrowed.</param>
/// <param name="Masks">[n, H, W], bool or integer 0 and 1; null where the metric needs none. Borrowed.</param>
public readonly record struct Detections(Tensor? Boxes, Tensor? Scores, Tensor Labels, Tensor? Masks = null);

/// <summary>What is in one image.</summary>
/// <param name="Boxes">[m, 4], floating or integer, in the metric's <see cref="BoxFormat"/>; null where a metric of masks needs none. Borrowed.</param>
/// <param name="Labels">Classes, [m], integer; borrowed.</param>
/// <param name="Crowd">Which are crowds of objects, [m], bool or integer: what is found in them counts neither for nor against a model. Null for none. Borrowed.</param>
/// <param name="Areas">The objects' areas, by which they are small, medium or large, [m]; null: those of the boxes or the masks. Borrowed.</param>
/// <param name="Masks">[m, H, W], bool or integer 0 and 1; null where the metric needs none. Borrowed.</param>
public readonly record struct GroundTruth(Tensor? Boxes, Tensor Labels, Tensor? Crowd = null, Tensor? Areas = null, Tensor? Masks = null);

/// <summary>What was found in some images beside what is there.</summary>
/// <param name="Predictions">An image an entry.</param>
/// <param name="Targets">The same images in the same order.</param>
public readonly record struct DetectionBatch(IReadOnlyList<Detections> Predictions, IReadOnlyList<GroundTruth> Targets) : IMetricBatch<DetectionBatch>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Predictions.Count > 0 ? Predictions[0].Labels : null;

    /// <inheritdoc/>
    public long Count => Predictions.Count;

    /// <inheritdoc/>
    public DetectionBatch Select(Tensor indices)
    {
        var (predictions, targets) = (new Detections[indices.NumberOfElements], new GroundTruth[indices.NumberOfElements]);
        for (var i = 0; i < predictions.Length; i++)
        {
            using var index = indices[i];
            var image = (int)index.item<long>();
            (predictions[i], targets[i]) = (Predictions[image], Targets[image]);
        }
        return new(predictions, targets);
    }
}

/// <summary>Updates from what was found as it comes.</summary>
public static class DetectionUpdates
{
    /// <summary>Accumulates a batch of images. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="predictions">What was found, an image an entry; borrowed.</param>
    /// <param name="targets">What is there, an image an entry; borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the one the metric's documentation states; nothing was changed.</exception>
    public static void Update(this IUpdate<DetectionBatch> metric, IReadOnlyList<Detections> predictions, IReadOnlyList<GroundTruth> targets) =>
        metric.Update(new DetectionBatch(predictions, targets));

    /// <summary>The metric of these images alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<DetectionBatch, TResult> metric, IReadOnlyList<Detections> predictions, IReadOnlyList<GroundTruth> targets) =>
        metric.Of(new DetectionBatch(predictions, targets));
}
