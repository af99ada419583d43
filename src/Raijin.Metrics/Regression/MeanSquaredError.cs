using Raijin.Metrics;

namespace Raijin;

/// <summary>Mean squared error, Σ w (p − y)² / Σ w, or its root. At least 0; smaller is better; NaN of no samples.</summary>
/// <remarks>
/// Follows scikit-learn's <c>mean_squared_error</c>: of several outputs the mean of each one's error, or of each one's root.
/// torchmetrics' MeanSquaredError gives what <see cref="RegressionMetric.PerOutput()"/> gives where there are several, and its <c>squared=False</c> is <c>root: true</c>.
/// </remarks>
/// <param name="outputs">How many numbers a sample has.</param>
/// <param name="root">Root mean squared error.</param>
public sealed class MeanSquaredError(int outputs = 1, bool root = false) : RegressionMetric(new SquaredErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states)
    {
        var means = ErrorSums.Mean(states);
        return root ? [.. means.Select(Math.Sqrt)] : means;
    }
}
