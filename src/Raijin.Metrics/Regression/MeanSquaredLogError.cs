using Raijin.Metrics;

namespace Raijin;

/// <summary>Mean squared logarithmic error, the weighted mean of (log(1 + p) − log(1 + y))², or its root. At least 0; smaller is better; NaN of no samples.</summary>
/// <remarks>Follows scikit-learn's <c>mean_squared_log_error</c>: predictions and targets are at least 0, others are left out and reported. torchmetrics takes any above −1.</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
/// <param name="root">The root of it, output by output.</param>
public sealed class MeanSquaredLogError(int outputs = 1, bool root = false) : RegressionMetric(new SquaredLogErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states)
    {
        var means = ErrorSums.Mean(states);
        return root ? [.. means.Select(Math.Sqrt)] : means;
    }
}
