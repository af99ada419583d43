using Raijin.Metrics;

namespace Raijin;

/// <summary>Wrappers by the metric's type: <c>new Accuracy(task).Running(100)</c>. Each takes the metric over.</summary>
public static class MetricWrapping
{
    /// <summary>The metric over the last <paramref name="window"/> updates only.</summary>
    public static Running<TBatch, TResult> Running<TBatch, TResult>(this Metric<TBatch, TResult> metric, int window)
        where TBatch : struct, IMetricBatch<TBatch> => new(metric, window);

    /// <summary>The metric over resampled copies of the data: how sure its number is.</summary>
    /// <inheritdoc cref="Bootstrapped{TBatch, TResult}(Metric{TBatch, TResult}, int, ulong, Resampling, double[])"/>
    public static Bootstrapped<TBatch, TResult> Bootstrapped<TBatch, TResult>(this Metric<TBatch, TResult> metric, int copies = 10, ulong seed = 0, Resampling resampling = Resampling.Poisson, params double[] quantiles)
        where TBatch : struct, IMetricBatch<TBatch> => new(metric, copies, seed, resampling, quantiles);

    /// <summary>The metric with the least and the greatest number it ever computed.</summary>
    public static MinMax<TBatch> WithMinMax<TBatch>(this IUpdate<TBatch> metric)
        where TBatch : struct, IMetricBatch<TBatch> => new(metric);

    /// <summary>The metric's number of each class, under the classes' names.</summary>
    public static Classwise<TBatch> Classwise<TBatch>(this IUpdate<TBatch> metric, IReadOnlyList<string>? names = null)
        where TBatch : struct, IMetricBatch<TBatch> => new(metric, names);

    /// <summary>The metric of each of a model's outputs.</summary>
    /// <inheritdoc cref="MultiOutput{TResult}(Metric{Comparison, TResult}, int, int, bool, IReadOnlyList{string}?)"/>
    public static MultiOutput<TResult> PerOutput<TResult>(this Metric<Comparison, TResult> metric, int outputs, int dim = -1, bool skipNaN = false, IReadOnlyList<string>? names = null) =>
        new(metric, outputs, dim, skipNaN, names);

    /// <summary>The metric fed with what a function makes of each batch.</summary>
    public static Mapped<TBatch, TBatch> Mapped<TBatch>(this IUpdate<TBatch> metric, Func<TBatch, TBatch> function)
        where TBatch : struct, IMetricBatch<TBatch> => new(metric, function);
}
