using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Predictions beside what is true and the group each sample belongs to: what metrics of fairness are given.</summary>
/// <param name="Predictions">[B, ...] probabilities, logits or classes, as the task says; borrowed.</param>
/// <param name="Targets">[B, ...], 0 or 1, integer or bool; borrowed.</param>
/// <param name="Groups">[B, ...], integer, from 0; borrowed.</param>
/// <param name="Weights">[B] or [B, ...], not negative; null: 1 each. Borrowed.</param>
public readonly record struct GroupedComparison(Tensor Predictions, Tensor Targets, Tensor Groups, Tensor? Weights = null) : IMetricBatch<GroupedComparison>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Predictions;

    /// <inheritdoc/>
    public long Count => Targets.shape[0];

    internal Comparison Comparison => new(Predictions, Targets, Weights);

    /// <inheritdoc/>
    public GroupedComparison Select(Tensor indices)
    {
        var chosen = Comparison.Select(indices);
        return new(chosen.Predictions, chosen.Targets, Groups.index_select(0, indices.to(Groups.device)), chosen.Weights);
    }
}

/// <summary>Updates from tensors as they come.</summary>
public static class GroupedComparisonUpdates
{
    /// <summary>Accumulates a batch. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="predictions">[B, ...]; borrowed.</param>
    /// <param name="targets">[B, ...], 0 or 1; borrowed.</param>
    /// <param name="groups">[B, ...], integer, from 0; borrowed.</param>
    /// <param name="weights">[B] or [B, ...]; null: 1 each. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the one the metric's documentation states; nothing was changed.</exception>
    public static void Update(this IUpdate<GroupedComparison> metric, Tensor predictions, Tensor targets, Tensor groups, Tensor? weights = null) =>
        metric.Update(new GroupedComparison(predictions, targets, groups, weights));

    /// <summary>The metric of this batch alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<GroupedComparison, TResult> metric, Tensor predictions, Tensor targets, Tensor groups, Tensor? weights = null) =>
        metric.Of(new GroupedComparison(predictions, targets, groups, weights));
}
