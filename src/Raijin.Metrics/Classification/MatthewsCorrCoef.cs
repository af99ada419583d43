using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Correlation of predictions and labels: (c·s - Σ t·p) / √((s² - Σ p²)(s² - Σ t²)), with c right of s samples, t of a class and p predicted to be. In [-1, 1],
/// 0 for chance, higher is better.
/// </summary>
/// <remarks>
/// Gorodkin 2004, <c>matthews_corrcoef</c> of scikit-learn: 0 where labels or predictions are all of one class. (torchmetrics gives ±1 or a small number for
/// some of these in binary.) Multilabel: of all labels' outcomes together. Nothing counted gives NaN. See <see cref="Classification"/> for shapes.
/// </remarks>
/// <param name="task">What is classified.</param>
public sealed class MatthewsCorrCoef(Classification task) : ScalarMetric<Comparison>(ConfusionCounts.OrClassCounts(task))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (samples, right, labels, predictions, both) = (0.0, 0.0, 0.0, 0.0, 0.0);
        var (ofLabels, ofPredictions) = (0, 0);
        foreach (var counts in Outcomes.ReadClasses(Accumulation, states))
        {
            samples += counts.Support;
            right += counts.TruePositives;
            labels += counts.Support * counts.Support;
            predictions += counts.Predicted * counts.Predicted;
            both += counts.Support * counts.Predicted;
            if (counts.Support > 0) ofLabels++;
            if (counts.Predicted > 0) ofPredictions++;
        }
        if (samples == 0) return double.NaN;
        if (ofLabels == 1 || ofPredictions == 1) return 0;
        var square = samples * samples;
        return ((right * samples) - both) / (Math.Sqrt(square - predictions) * Math.Sqrt(square - labels));
    }
}
