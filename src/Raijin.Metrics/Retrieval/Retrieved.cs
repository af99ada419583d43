using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Documents with the scores they were ranked by, how relevant they are, and the queries they answer. Documents of a query may come in any batch.</summary>
/// <param name="Scores">Any shape, floating, larger is nearer the top; borrowed.</param>
/// <param name="Relevance">Of the same shape: bool, integers or floating, 0 for not relevant, grades above it; borrowed.</param>
/// <param name="Queries">Of the same shape: integers that name the queries, any values; borrowed.</param>
public readonly record struct Retrieved(Tensor Scores, Tensor Relevance, Tensor Queries) : IMetricBatch<Retrieved>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Scores;

    /// <inheritdoc/>
    public long Count => Scores.shape[0];

    /// <inheritdoc/>
    public Retrieved Select(Tensor indices) =>
        new(Scores.index_select(0, indices.to(Scores.device)), Relevance.index_select(0, indices.to(Relevance.device)), Queries.index_select(0, indices.to(Queries.device)));
}

/// <summary>Updates from tensors as they come.</summary>
public static class RetrievedUpdates
{
    /// <summary>Accumulates documents. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="scores">Any shape, floating, larger is nearer the top; borrowed.</param>
    /// <param name="relevance">Of the same shape: bool, integers or floating, 0 for not relevant; borrowed.</param>
    /// <param name="queries">Of the same shape: integers that name the queries; borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is another; nothing was changed.</exception>
    public static void Update(this IUpdate<Retrieved> metric, Tensor scores, Tensor relevance, Tensor queries) =>
        metric.Update(new Retrieved(scores, relevance, queries));

    /// <summary>The metric of these documents alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<Retrieved, TResult> metric, Tensor scores, Tensor relevance, Tensor queries) =>
        metric.Of(new Retrieved(scores, relevance, queries));
}
