using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Relative squared error, Σ w (p − y)² / Σ w (y − ȳ)², or its root: 1 is what predicting the mean gives. At least 0; smaller is better. Constant
/// targets give infinity, or NaN if all were met.
/// </summary>
/// <remarks>As in torchmetrics, whose least divisor is its dtype's epsilon. Of several outputs: the mean of each one's.</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
/// <param name="root">Root relative squared error.</param>
public sealed class RelativeSquaredError(int outputs = 1, bool root = false) : RegressionMetric(new PairMoments(PairKind.ErrorsAndTargets, outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) =>
        [.. PairMoments.Read(states).Select(m => m.SumOfSquares / m.B.Squares).Select(e => root ? Math.Sqrt(e) : e)];
}
