using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// The weighted mean of log cosh(p − y): half the squared error near 0, the absolute one less log 2 far away. At least 0; smaller is better;
/// NaN of no samples.
/// </summary>
/// <remarks>As in torchmetrics, but finite for errors of any size: torchmetrics' overflows above 709 in float64, above 88 in float32.</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class LogCoshError(int outputs = 1) : RegressionMetric(new LogCoshErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => ErrorSums.Mean(states);
}
