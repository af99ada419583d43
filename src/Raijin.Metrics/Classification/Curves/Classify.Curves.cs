using static TorchSharp.torch;

namespace Raijin;

/// <content>Metrics of scores.</content>
public static partial class Classify
{
    /// <inheritdoc cref="Raijin.Roc"/>
    /// <param name="scores">As the task says; borrowed.</param>
    /// <param name="labels">As the task says; borrowed.</param>
    /// <param name="task">What is classified.</param>
    /// <param name="average">Null: a curve for each class.</param>
    /// <param name="thresholds">Null: exact. Else binned.</param>
    /// <param name="weights">How much each sample counts; null: 1 each. Borrowed.</param>
    public static IReadOnlyList<RocCurve> Roc(Tensor scores, Tensor labels, Classification task, Average? average = null, Thresholds? thresholds = null, Tensor? weights = null)
    {
        using var metric = new Roc(task, average, thresholds);
        return metric.Of(scores, labels, weights);
    }

    /// <inheritdoc cref="Raijin.PrecisionRecallCurve"/>
    /// <inheritdoc cref="Roc" path="/param"/>
    public static IReadOnlyList<PrecisionRecall> PrecisionRecallCurve(Tensor scores, Tensor labels, Classification task, Average? average = null, Thresholds? thresholds = null, Tensor? weights = null)
    {
        using var metric = new PrecisionRecallCurve(task, average, thresholds);
        return metric.Of(scores, labels, weights);
    }
}
