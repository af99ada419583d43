using System.Diagnostics;

namespace Raijin;

/// <summary>What a query counts as on which a metric is undefined, as one without a relevant document.</summary>
public enum UndefinedQuery
{
    /// <summary>0.</summary>
    Zero,

    /// <summary>1.</summary>
    One,

    /// <summary>It is left out.</summary>
    Skip,

    /// <summary>It makes Compute throw <see cref="MetricInputException"/>.</summary>
    Error,
}

/// <summary>How the numbers of the queries become one.</summary>
public enum QueryAggregation
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>Their median, of an even number the mean of the two in the middle (torchmetrics takes the lower one).</summary>
    Median,

    /// <summary>The smallest.</summary>
    Min,

    /// <summary>The largest.</summary>
    Max,
}

/// <summary>What all metrics of retrieval have in common.</summary>
public sealed record RetrievalOptions
{
    /// <summary>What a query counts as on which the metric is undefined. torchmetrics' <c>empty_target_action</c>.</summary>
    /// <value>Default null: the worst, 0, for fall-out 1.</value>
    public UndefinedQuery? Undefined { get; init; }

    /// <summary>How the numbers of the queries become one. Over no query it is NaN.</summary>
    /// <value>Default <see cref="QueryAggregation.Mean"/>.</value>
    public QueryAggregation Aggregation { get; init; }

    /// <summary>Used instead of <see cref="Aggregation"/>: gets a number for each query, by rising name of the query, at least one.</summary>
    /// <value>Default null.</value>
    public Func<IReadOnlyList<double>, double>? CustomAggregation { get; init; }

    /// <summary>Documents of this relevance are left out.</summary>
    /// <value>Default null: none.</value>
    public long? IgnoreIndex { get; init; }

    internal double Aggregate(IReadOnlyList<double> values)
    {
        if (values.Count == 0) return double.NaN;
        if (CustomAggregation is not null) return CustomAggregation(values);
        return Aggregation switch
        {
            QueryAggregation.Mean => values.Average(),
            QueryAggregation.Median => Median(values),
            QueryAggregation.Min => values.Min(),
            QueryAggregation.Max => values.Max(),
            _ => throw new UnreachableException(),
        };
    }

    static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
