namespace Raijin.App;

/// <summary>The metrics of classes and labels.</summary>
static class ClassificationMetrics
{
    // A curve of each class beside the others can be read up to here.
    const int MostCurves = 20;

    // What metrics that ask for a rate or a weighting are asked with.
    const double Beta = 2;
    const double Rate = 0.9;

    /// <summary>Those that make sense of a file: of scores only where it has probabilities.</summary>
    public static MetricCollection Of(Classification task, PredictionTable table)
    {
        var metrics = new MetricCollection();
        Averaged(metrics, task, "Accuracy", Average.Micro, (t, a) => new Accuracy(t, a));
        Averaged(metrics, task, "PrecisionScore", Average.Macro, (t, a) => new PrecisionScore(t, a));
        Averaged(metrics, task, "RecallScore", Average.Macro, (t, a) => new RecallScore(t, a));
        Averaged(metrics, task, "F1Score", Average.Macro, (t, a) => new F1Score(t, a));
        Averaged(metrics, task, "Specificity", Average.Macro, (t, a) => new Specificity(t, a));
        Averaged(metrics, task, "NegativePredictiveValue", Average.Macro, (t, a) => new NegativePredictiveValue(t, a));
        Averaged(metrics, task, "JaccardIndex", Average.Macro, (t, a) => new JaccardIndex(t, a));
        Averaged(metrics, task, "HammingDistance", Average.Micro, (t, a) => new HammingDistance(t, a));
        metrics.Add("FBetaScore/2", new FBetaScore(task, Beta));
        metrics.Add("MatthewsCorrCoef", new MatthewsCorrCoef(task));
        if (task.Kind == ClassificationKind.Multilabel) metrics.Add("ExactMatch", new ExactMatch(task));
        else metrics.Add("CohenKappa", new CohenKappa(task));
        if (table.HasProbabilities) AddScored(metrics, task);
        if (task.Kind == ClassificationKind.Multilabel) metrics.Add("MultilabelConfusionMatrix", new MultilabelConfusionMatrix(task));
        else metrics.Add("ConfusionMatrix", new ConfusionMatrix(task) { Names = table.ClassNames });
        return metrics;
    }

    static void AddScored(MetricCollection metrics, Classification task)
    {
        Averaged(metrics, task, "Auroc", Average.Macro, (t, a) => new Auroc(t, a));
        Averaged(metrics, task, "AveragePrecision", Average.Macro, (t, a) => new AveragePrecision(t, a));
        Averaged(metrics, task, "Eer", Average.Macro, (t, a) => new Eer(t, a));
        Averaged(metrics, task, "LogAuc", Average.Macro, (t, a) => new LogAuc(t, average: a));
        metrics.Add("PrecisionAtFixedRecall/0.9", new PrecisionAtFixedRecall(task, Rate));
        metrics.Add("RecallAtFixedPrecision/0.9", new RecallAtFixedPrecision(task, Rate));
        metrics.Add("SensitivityAtSpecificity/0.9", new SensitivityAtSpecificity(task, Rate));
        metrics.Add("SpecificityAtSensitivity/0.9", new SpecificityAtSensitivity(task, Rate));
        metrics.Add("LogLoss", new LogLoss(task));
        metrics.Add("BrierScore", new BrierScore(task));
        if (task.Kind == ClassificationKind.Multilabel)
        {
            metrics.Add("CoverageError", new CoverageError(task));
            metrics.Add("LabelRankingAveragePrecision", new LabelRankingAveragePrecision(task));
            metrics.Add("LabelRankingLoss", new LabelRankingLoss(task));
        }
        else
        {
            metrics.Add("HingeLoss", new HingeLoss(task));
            metrics.Add("CalibrationError", new CalibrationError(task));
        }
        if (task.Width > MostCurves) return;
        metrics.Add("Roc", new Roc(task));
        metrics.Add("PrecisionRecallCurve", new PrecisionRecallCurve(task));
    }

    // Where there are several classes once for each average, the metric's own first.
    static void Averaged(MetricCollection metrics, Classification task, string name, Average usual, Func<Classification, Average, Metric> make)
    {
        if (task.Kind == ClassificationKind.Binary)
        {
            metrics.Add(name, make(task, usual));
            return;
        }
        foreach (var average in Enum.GetValues<Average>().OrderBy(a => a != usual)) metrics.Add($"{name}/{average.ToString().ToLowerInvariant()}", make(task, average));
    }
}
