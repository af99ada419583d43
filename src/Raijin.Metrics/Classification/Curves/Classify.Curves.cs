using static TorchSharp.torch;

namespace Raijin;

/// <content>Metrics of scores.</content>
public static partial class Classify
{
    /// <summary>Rates of true and false positives for every threshold: <see cref="Raijin.Roc"/>.</summary>
    /// <param name="scores">As <see cref="Classification"/> says; borrowed.</param>
    /// <param name="targets">Labels; borrowed.</param>
    /// <param name="task">What is classified.</param>
    /// <param name="average">Null: a curve for each class.</param>
    /// <param name="thresholds">Null: exact. Else binned.</param>
    /// <param name="weights">How much each sample counts; null: 1 each. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the task's.</exception>
    /// <exception cref="MetricInputException">A value can't be counted.</exception>
    public static IReadOnlyList<RocCurve> Roc(Tensor scores, Tensor targets, Classification task, Average? average = null, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new Roc(task, average, thresholds), scores, targets, weights);

    /// <summary>Precision and recall for every threshold: <see cref="Raijin.PrecisionRecallCurve"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    public static IReadOnlyList<PrecisionRecall> PrecisionRecallCurve(Tensor scores, Tensor targets, Classification task, Average? average = null, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new PrecisionRecallCurve(task, average, thresholds), scores, targets, weights);

    /// <summary>Area under the ROC curve: <see cref="Raijin.Auroc"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="average">How the areas of the classes become one.</param>
    /// <param name="maxFpr">The area up to this false positive rate only, in (0, 1]; null: all of it.</param>
    /// <param name="versus">Multiclass: what a class is set against.</param>
    public static double Auroc(Tensor scores, Tensor targets, Classification task, Average average = Average.Macro, double? maxFpr = null, OneVersus versus = OneVersus.Rest, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new Auroc(task, average, maxFpr, versus, thresholds), scores, targets, weights);

    /// <summary>Area under the precision-recall curve by steps: <see cref="Raijin.AveragePrecision"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static double AveragePrecision(Tensor scores, Tensor targets, Classification task, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new AveragePrecision(task, average, thresholds), scores, targets, weights);

    /// <summary>Equal error rate: <see cref="Raijin.Eer"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static double Eer(Tensor scores, Tensor targets, Classification task, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new Eer(task, average, thresholds), scores, targets, weights);

    /// <summary>Area under the ROC curve over the logarithm of the false positive rate: <see cref="Raijin.LogAuc"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="low">Lower false positive rate, above 0.</param>
    /// <param name="high">Upper false positive rate, at most 1.</param>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static double LogAuc(Tensor scores, Tensor targets, Classification task, double low = 0.001, double high = 0.1, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new LogAuc(task, low, high, average, thresholds), scores, targets, weights);

    /// <summary>The highest precision with at least so much recall: <see cref="Raijin.PrecisionAtFixedRecall"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="minRecall">In [0, 1].</param>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static OperatingPoint PrecisionAtFixedRecall(Tensor scores, Tensor targets, Classification task, double minRecall, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new PrecisionAtFixedRecall(task, minRecall, average, thresholds), scores, targets, weights);

    /// <summary>The highest recall with at least so much precision: <see cref="Raijin.RecallAtFixedPrecision"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="minPrecision">In [0, 1].</param>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static OperatingPoint RecallAtFixedPrecision(Tensor scores, Tensor targets, Classification task, double minPrecision, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new RecallAtFixedPrecision(task, minPrecision, average, thresholds), scores, targets, weights);

    /// <summary>The highest sensitivity with at least so much specificity: <see cref="Raijin.SensitivityAtSpecificity"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="minSpecificity">In [0, 1].</param>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static OperatingPoint SensitivityAtSpecificity(Tensor scores, Tensor targets, Classification task, double minSpecificity, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new SensitivityAtSpecificity(task, minSpecificity, average, thresholds), scores, targets, weights);

    /// <summary>The highest specificity with at least so much sensitivity: <see cref="Raijin.SpecificityAtSensitivity"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="minSensitivity">In [0, 1].</param>
    /// <param name="average">How the numbers of the classes become one.</param>
    public static OperatingPoint SpecificityAtSensitivity(Tensor scores, Tensor targets, Classification task, double minSensitivity, Average average = Average.Macro, Thresholds? thresholds = null, Tensor? weights = null) =>
        Once(new SpecificityAtSensitivity(task, minSensitivity, average, thresholds), scores, targets, weights);

    /// <summary>How far confidences are from how often they are right: <see cref="Raijin.CalibrationError"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="bins">How many bins.</param>
    /// <param name="norm">How the gaps of the bins become one error.</param>
    /// <param name="equalMass">Bins of as many samples each instead of equal width.</param>
    public static double CalibrationError(Tensor scores, Tensor targets, Classification task, int bins = 15, CalibrationNorm norm = CalibrationNorm.L1, bool equalMass = false, Tensor? weights = null) =>
        Once(new CalibrationError(task, bins, norm, equalMass), scores, targets, weights);

    /// <summary>Mean hinge loss of decision values: <see cref="Raijin.HingeLoss"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    /// <param name="squared">The loss is squared.</param>
    /// <param name="multiclass">What a multiclass margin is.</param>
    public static double HingeLoss(Tensor scores, Tensor targets, Classification task, bool squared = false, MulticlassHinge multiclass = MulticlassHinge.CrammerSinger, Tensor? weights = null) =>
        Once(new HingeLoss(task, squared, multiclass), scores, targets, weights);

    /// <summary>Cross-entropy of probabilities, in nats: <see cref="Raijin.LogLoss"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    public static double LogLoss(Tensor scores, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new LogLoss(task), scores, targets, weights);

    /// <summary>Mean squared distance of probabilities from what was true: <see cref="Raijin.BrierScore"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    public static double BrierScore(Tensor scores, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new BrierScore(task), scores, targets, weights);

    /// <summary>How many labels, by falling score, have all true ones among them: <see cref="Raijin.CoverageError"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    public static double CoverageError(Tensor scores, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new CoverageError(task), scores, targets, weights);

    /// <summary>For each true label, the share of true ones among those that score at least as much: <see cref="Raijin.LabelRankingAveragePrecision"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    public static double LabelRankingAveragePrecision(Tensor scores, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new LabelRankingAveragePrecision(task), scores, targets, weights);

    /// <summary>Share of pairs of a true and a false label that are out of order: <see cref="Raijin.LabelRankingLoss"/>.</summary>
    /// <inheritdoc cref="Roc"/>
    public static double LabelRankingLoss(Tensor scores, Tensor targets, Classification task, Tensor? weights = null) =>
        Once(new LabelRankingLoss(task), scores, targets, weights);
}
