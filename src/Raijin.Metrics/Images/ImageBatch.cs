using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Images judged by themselves, beside no target.</summary>
/// <param name="Images">[B, C, H, W], real; borrowed.</param>
/// <param name="Weights">How much each image counts, [B], not negative; null: 1 each. Borrowed.</param>
public readonly record struct ImageBatch(Tensor Images, Tensor? Weights = null) : IMetricBatch<ImageBatch>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Images;

    /// <inheritdoc/>
    public long Count => Images.shape[0];

    /// <inheritdoc/>
    public ImageBatch Select(Tensor indices)
    {
        var chosen = indices.to(Images.device);
        return new(Images.index_select(0, chosen), Weights?.index_select(0, chosen));
    }
}

/// <summary>Updates from images as they come.</summary>
public static class ImageUpdates
{
    /// <summary>Accumulates images. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="images">[B, C, H, W], real; borrowed.</param>
    /// <param name="weights">How much each image counts, [B], not negative; null: 1 each. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is another; nothing was changed.</exception>
    public static void Update(this IUpdate<ImageBatch> metric, Tensor images, Tensor? weights = null) => metric.Update(new ImageBatch(images, weights));

    /// <summary>The metric of these images alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<ImageBatch, TResult> metric, Tensor images, Tensor? weights = null) => metric.Of(new ImageBatch(images, weights));
}
