using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Predictions beside what is true: what metrics of classification, regression, images and sound are given.</summary>
/// <param name="Predictions">As the metric's documentation states; borrowed.</param>
/// <param name="Targets">The same; borrowed.</param>
/// <param name="Weights">How much each sample counts, [B], not negative; null: 1 each. Borrowed. A metric without weights refuses them.</param>
public readonly record struct Comparison(Tensor Predictions, Tensor Targets, Tensor? Weights = null) : IMetricBatch<Comparison>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Predictions;

    /// <inheritdoc/>
    public long Count => Targets.shape[0];

    /// <inheritdoc/>
    public Comparison Select(Tensor indices)
    {
        var chosen = indices.to(Predictions.device);
        return new(Predictions.index_select(0, chosen), Targets.index_select(0, chosen), Weights?.index_select(0, chosen));
    }
}

/// <summary>Updates from tensors as they come.</summary>
public static class ComparisonUpdates
{
    /// <summary>Accumulates a batch. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="predictions">As the metric's documentation states; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    /// <param name="weights">How much each sample counts, [B], not negative; null: 1 each. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the one the metric's documentation states; nothing was changed.</exception>
    public static void Update(this IUpdate<Comparison> metric, Tensor predictions, Tensor targets, Tensor? weights = null) =>
        metric.Update(new Comparison(predictions, targets, weights));

    /// <summary>The metric of this batch alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<Comparison, TResult> metric, Tensor predictions, Tensor targets, Tensor? weights = null) =>
        metric.Of(new Comparison(predictions, targets, weights));
}
