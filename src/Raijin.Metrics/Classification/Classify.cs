using static TorchSharp.torch;

namespace Raijin;

/// <summary>Metrics of classification as functions of one batch; each is the metric of the same name, where options are explained.</summary>
public static partial class Classify
{
    /// <summary>Share that is predicted right: <see cref="Raijin.Accuracy"/>.</summary>
    /// <param name="predictions">Scores or classes, as <see cref="Classification"/> says; borrowed.</param>
    /// <param name="targets">Labels; borrowed.</param>
    /// <param name="task">What is classified.</param>
    /// <param name="average">How the numbers of several classes become one.</param>
    /// <param name="weights">How much each sample counts; null: 1 each. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the task's.</exception>
    /// <exception cref="MetricInputException">A value can't be counted.</exception>
    public static double Accuracy(Tensor predictions, Tensor targets, Classification task, Average average = Average.Micro, Tensor? weights = null) =>
        Once(new Accuracy(task, average), predictions, targets, weights);

    /// <summary>Share that is predicted wrong: <see cref="Raijin.HammingDistance"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double HammingDistance(Tensor predictions, Tensor targets, Classification task, Average average = Average.Micro, Tensor? weights = null) =>
        Once(new HammingDistance(task, average), predictions, targets, weights);

    /// <summary>TP / (TP + FP): <see cref="Raijin.PrecisionScore"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double PrecisionScore(Tensor predictions, Tensor targets, Classification task, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new PrecisionScore(task, average), predictions, targets, weights);

    /// <summary>TP / (TP + FN): <see cref="Raijin.RecallScore"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double RecallScore(Tensor predictions, Tensor targets, Classification task, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new RecallScore(task, average), predictions, targets, weights);

    /// <summary>TN / (TN + FP): <see cref="Raijin.Specificity"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double Specificity(Tensor predictions, Tensor targets, Classification task, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new Specificity(task, average), predictions, targets, weights);

    /// <summary>TN / (TN + FN): <see cref="Raijin.NegativePredictiveValue"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double NegativePredictiveValue(Tensor predictions, Tensor targets, Classification task, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new NegativePredictiveValue(task, average), predictions, targets, weights);

    /// <summary>Harmonic mean of precision and recall: <see cref="Raijin.F1Score"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double F1Score(Tensor predictions, Tensor targets, Classification task, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new F1Score(task, average), predictions, targets, weights);

    /// <summary>Weighted harmonic mean of precision and recall: <see cref="Raijin.FBetaScore"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    /// <param name="beta">How many times as important recall is.</param>
    public static double FBetaScore(Tensor predictions, Tensor targets, Classification task, double beta, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new FBetaScore(task, beta, average), predictions, targets, weights);

    /// <summary>TP / (TP + FP + FN): <see cref="Raijin.JaccardIndex"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double JaccardIndex(Tensor predictions, Tensor targets, Classification task, Average average = Average.Macro, Tensor? weights = null) =>
        Once(new JaccardIndex(task, average), predictions, targets, weights);

    /// <summary>The counts of each class: <see cref="Raijin.StatScores"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static IReadOnlyList<OutcomeCounts> StatScores(Tensor predictions, Tensor targets, Classification task, Tensor? weights = null)
    {
        using var metric = new StatScores(task);
        metric.Update(predictions, targets, weights);
        return metric.PerClass();
    }

    /// <summary>How often each label met each prediction, [label, predicted]: <see cref="Raijin.ConfusionMatrix"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    /// <param name="shares">What its cells are shares of.</param>
    public static double[,] ConfusionMatrix(Tensor predictions, Tensor targets, Classification task, ConfusionShares shares = ConfusionShares.None, Tensor? weights = null) =>
        Once(new ConfusionMatrix(task, shares), predictions, targets, weights);

    /// <summary>A matrix for each label, or each class against the rest: <see cref="Raijin.MultilabelConfusionMatrix"/>.</summary>
    /// <inheritdoc cref="ConfusionMatrix"/>
    public static IReadOnlyList<double[,]> MultilabelConfusionMatrix(Tensor predictions, Tensor targets, Classification task, ConfusionShares shares = ConfusionShares.None, Tensor? weights = null) =>
        Once(new MultilabelConfusionMatrix(task, shares), predictions, targets, weights);

    /// <summary>Agreement beyond chance: <see cref="Raijin.CohenKappa"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    /// <param name="confusions">How much a confusion of two classes weighs.</param>
    public static double CohenKappa(Tensor predictions, Tensor targets, Classification task, KappaWeights confusions = KappaWeights.None, Tensor? weights = null) =>
        Once(new CohenKappa(task, confusions), predictions, targets, weights);

    /// <summary>Correlation of predictions and labels: <see cref="Raijin.MatthewsCorrCoef"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double MatthewsCorrCoef(Tensor predictions, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new MatthewsCorrCoef(task), predictions, targets, weights);

    /// <summary>Share of samples in which everything is predicted right: <see cref="Raijin.ExactMatch"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    public static double ExactMatch(Tensor predictions, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new ExactMatch(task), predictions, targets, weights);

    /// <summary>Mean over samples of a ratio of each sample's own outcomes: <see cref="Raijin.Samplewise"/>.</summary>
    /// <inheritdoc cref="Accuracy"/>
    /// <param name="ratio">The ratio; freed.</param>
    public static double Samplewise(Tensor predictions, Tensor targets, ClassRatio ratio, Tensor? weights = null) =>
        Once(new Samplewise(ratio), predictions, targets, weights);

    /// <summary>Whether a binary decision treats groups alike: <see cref="BinaryFairness"/>.</summary>
    /// <inheritdoc cref="GroupStatRates"/>
    public static GroupFairness Fairness(Tensor predictions, Tensor targets, Tensor groups, int numGroups, Classification? task = null)
    {
        using var metric = new BinaryFairness(numGroups, task);
        return metric.Of(predictions, targets, groups);
    }

    /// <summary>The outcomes of a binary decision in each group, as shares: <see cref="BinaryGroupStatRates"/>.</summary>
    /// <param name="predictions">[B, ...] probabilities, logits or classes, as the task says; borrowed.</param>
    /// <param name="targets">[B, ...], 0 or 1; borrowed.</param>
    /// <param name="groups">[B, ...], integer; borrowed.</param>
    /// <param name="numGroups">How many groups there are.</param>
    /// <param name="task">A binary task; null for <see cref="Classification.Binary"/> as it comes.</param>
    public static IReadOnlyList<OutcomeShares> GroupStatRates(Tensor predictions, Tensor targets, Tensor groups, int numGroups, Classification? task = null)
    {
        using var metric = new BinaryGroupStatRates(numGroups, task);
        return metric.Of(predictions, targets, groups);
    }

    static TResult Once<TResult>(Metric<Comparison, TResult> metric, Tensor predictions, Tensor targets, Tensor? weights)
    {
        using (metric) return metric.Of(predictions, targets, weights);
    }
}
