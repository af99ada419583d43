using Raijin.Metrics;

namespace Raijin;

/// <summary>Pearson's correlation of predictions and targets, Σ w (p − p̄)(y − ȳ) / √(Σ w (p − p̄)² · Σ w (y − ȳ)²). In [−1, 1]; larger is better.</summary>
/// <remarks>
/// Follows SciPy's <c>pearsonr</c>: NaN where either is constant, which is found out exactly (torchmetrics: where a variance is small against the
/// largest deviation). Exact for any means: a mean of 10⁶ with a deviation of 1 loses nothing.
/// </remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class PearsonCorrCoef(int outputs = 1) : RegressionMetric(new PairMoments(PairKind.PredictionsAndTargets, outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double[] PerOutput(MetricStates states) =>
        [.. PairMoments.Read(states).Select(m => Of(m.A.Squares, m.B.Squares, m.Co))];

    /// <summary>co / √(a b), free of overflow; NaN where a or b is 0.</summary>
    internal static double Of(double a, double b, double co) => a == 0 || b == 0 ? double.NaN : Math.Clamp(co / Math.Sqrt(a) / Math.Sqrt(b), -1, 1);
}
