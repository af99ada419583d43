using Raijin.Metrics;

namespace Raijin;

/// <summary>Mean absolute error, Σ w |p − y| / Σ w. At least 0; smaller is better; NaN of no samples.</summary>
/// <remarks>Follows scikit-learn's <c>mean_absolute_error</c>.</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class MeanAbsoluteError(int outputs = 1) : RegressionMetric(new AbsoluteErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => ErrorSums.Mean(states);
}
