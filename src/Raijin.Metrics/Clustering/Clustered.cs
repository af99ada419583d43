using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Points and the clusters they were put into: what scores of a clustering without known classes are given.</summary>
/// <param name="Points">[N, D], floating and finite; borrowed.</param>
/// <param name="Labels">[N], integers, any values; borrowed.</param>
public readonly record struct Clustered(Tensor Points, Tensor Labels) : IMetricBatch<Clustered>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Points;

    /// <inheritdoc/>
    public long Count => Labels.shape[0];

    /// <inheritdoc/>
    public Clustered Select(Tensor indices) =>
        new(Points.index_select(0, indices.to(Points.device)), Labels.index_select(0, indices.to(Labels.device)));
}

/// <summary>Updates from tensors as they come.</summary>
public static class ClusteredUpdates
{
    /// <summary>Accumulates points. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="points">[N, D], floating and finite; borrowed.</param>
    /// <param name="labels">[N], integers, any values; borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is another; nothing was changed.</exception>
    public static void Update(this IUpdate<Clustered> metric, Tensor points, Tensor labels) => metric.Update(new Clustered(points, labels));

    /// <summary>The metric of these points alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<Clustered, TResult> metric, Tensor points, Tensor labels) => metric.Of(new Clustered(points, labels));
}
