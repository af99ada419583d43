using Raijin.Charts;

namespace Raijin.App;

/// <summary>The metrics of numbers.</summary>
static class RegressionMetrics
{
    // More points than this only darken the picture.
    const int MostPoints = 5_000;

    /// <summary>Those that make sense of a file: logarithms and deviances where its numbers have them, unweighted ones only where it has no weights.</summary>
    public static MetricCollection Of(PredictionTable table)
    {
        var (predictions, targets) = (Numbers(table.Predictions), Numbers(table.Targets));
        var metrics = new MetricCollection
        {
            { "MeanSquaredError", new MeanSquaredError() },
            { "MeanSquaredError/root", new MeanSquaredError(root: true) },
            { "MeanAbsoluteError", new MeanAbsoluteError() },
            { "MeanAbsolutePercentageError", new MeanAbsolutePercentageError() },
            { "SymmetricMeanAbsolutePercentageError", new SymmetricMeanAbsolutePercentageError() },
            { "WeightedMeanAbsolutePercentageError", new WeightedMeanAbsolutePercentageError() },
            { "LogCoshError", new LogCoshError() },
            { "MinkowskiDistance/3", new MinkowskiDistance(3) },
            { "R2Score", new R2Score() },
            { "ExplainedVariance", new ExplainedVariance() },
            { "RelativeSquaredError", new RelativeSquaredError() },
            { "NormalizedRootMeanSquaredError", new NormalizedRootMeanSquaredError() },
            { "PearsonCorrCoef", new PearsonCorrCoef() },
            { "ConcordanceCorrCoef", new ConcordanceCorrCoef() },
        };
        if (predictions.Min() > -1 && targets.Min() > -1) metrics.Add("MeanSquaredLogError", new MeanSquaredLogError());
        if (predictions.Min() > 0 && targets.Min() >= 0) metrics.Add("TweedieDevianceScore/poisson", new TweedieDevianceScore(1));
        if (predictions.Min() > 0 && targets.Min() > 0) metrics.Add("TweedieDevianceScore/gamma", new TweedieDevianceScore(2));
        if (table.Weights is not null) return metrics;
        metrics.Add("SpearmanCorrCoef", new SpearmanCorrCoef());
        metrics.Add("KendallRankCorrCoef", new KendallRankCorrCoef());
        return metrics;
    }

    /// <summary>Predictions over targets, and how the errors are distributed.</summary>
    public static Chart Picture(PredictionTable table)
    {
        var (predictions, targets) = (Numbers(table.Predictions), Numbers(table.Targets));
        var every = (predictions.Length + MostPoints - 1) / MostPoints;
        var shown = Enumerable.Range(0, predictions.Length).Where(i => i % every == 0).ToList();
        return new Panels
        {
            Charts =
            [
                new ScatterChart
                {
                    Title = "Predictions",
                    XLabel = "target",
                    YLabel = "prediction",
                    Diagonal = true,
                    Points = [new PointSet("", shown.ConvertAll(i => targets[i]), shown.ConvertAll(i => predictions[i]))],
                },
                HistogramChart.Of([.. predictions.Zip(targets, (p, t) => p - t)]) with { Title = "Errors", XLabel = "prediction - target", YLabel = "rows" },
            ],
        };
    }

    static double[] Numbers(TorchSharp.torch.Tensor values) => values.data<double>().ToArray();
}
