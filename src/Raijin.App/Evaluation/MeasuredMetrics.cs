using Raijin.Charts;

namespace Raijin.App;

/// <summary>One number of a report.</summary>
/// <param name="Metric">The metric, by its class's name.</param>
/// <param name="Variant">Which of its numbers: how those of classes became one (macro, micro, weighted), a root, a kind of deviance; empty where it has only one.</param>
/// <param name="Value">The number; NaN where it is undefined.</param>
sealed record Measure(string Metric, string Variant, double Value);

/// <summary>All that Raijin measures of a file's predictions: every metric that makes sense of them, in one pass where they share it, and their pictures.</summary>
sealed class MeasuredMetrics
{
    /// <summary>The numbers, in the order they are shown.</summary>
    public required IReadOnlyList<Measure> Measures { get; init; }

    /// <summary>The same for each class, of metrics that have one a class.</summary>
    public required IReadOnlyList<KeyValuePair<string, IReadOnlyList<double>>> PerClass { get; init; }

    /// <summary>Curves, matrices and scatters, by file name.</summary>
    public required IReadOnlyList<KeyValuePair<string, Chart>> Pictures { get; init; }

    /// <summary>How often each class, the row, was taken for each, the column; null where labels don't exclude each other and of a regression.</summary>
    public double[,]? Confusion { get; init; }

    /// <summary>Measures a file's predictions.</summary>
    public static MeasuredMetrics Of(PredictionTable table, PredictionKind kind, double threshold)
    {
        using var metrics = kind switch
        {
            PredictionKind.Binary => ClassificationMetrics.Of(Classification.Binary(threshold), table),
            PredictionKind.Multiclass => ClassificationMetrics.Of(Classification.Multiclass(table.Classes), table),
            PredictionKind.Multilabel => ClassificationMetrics.Of(Classification.Multilabel(table.Classes, threshold), table),
            _ => RegressionMetrics.Of(table),
        };
        metrics.Update(table.Predictions, table.Targets, table.Weights);

        var measures = new List<Measure>();
        var perClass = new List<KeyValuePair<string, IReadOnlyList<double>>>();
        var pictures = new List<KeyValuePair<string, Chart>>();
        double[,]? confusion = null;
        foreach (var (name, metric) in metrics)
        {
            var (shown, variant) = name.Split('/') is [var of, var by] ? (of, by) : (name, "");
            // A curve's or a matrix's own number, its area or its diagonal, is another metric's.
            if (metric is not (Roc or PrecisionRecallCurve or ConfusionMatrix or MultilabelConfusionMatrix)) measures.Add(new(shown, variant, metric.ComputeScalar()));
            if (metric is ConfusionMatrix matrix) confusion = matrix.Compute();
            if (metric is IPerClass classes && kind != PredictionKind.Binary && perClass.TrueForAll(p => p.Key != shown) && classes.PerClass() is { } each && each.Count == table.Classes) perClass.Add(new(shown, each));
            if (metric is IPlot picture) pictures.Add(new(FileName(shown), picture.Plot()));
        }
        if (kind == PredictionKind.Regression) pictures.Add(new("predictions", RegressionMetrics.Picture(table)));
        return new() { Measures = measures, PerClass = perClass, Pictures = pictures, Confusion = confusion };
    }

    // AveragePrecision as average-precision.
    static string FileName(string metric) => string.Concat(metric.Select((c, i) => char.IsUpper(c) && i > 0 && !char.IsUpper(metric[i - 1]) ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
