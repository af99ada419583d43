using Raijin.Metrics;

namespace Raijin;

/// <summary>Mean absolute percentage error, the weighted mean of |p − y| / max(|y|, ε), as a share: 0.1 is 10 %. At least 0; smaller is better; NaN of no samples.</summary>
/// <remarks>
/// Follows scikit-learn's <c>mean_absolute_percentage_error</c>, ε = 2⁻⁵² included: a target of 0 that is missed gives a huge number.
/// torchmetrics' ε is 1.17·10⁻⁶.
/// </remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class MeanAbsolutePercentageError(int outputs = 1) : RegressionMetric(new PercentageErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => ErrorSums.Mean(states);
}

/// <summary>
/// Symmetric mean absolute percentage error, the weighted mean of 2 |p − y| / (|p| + |y|), as a share. In [0, 2]; smaller is better; a sample whose
/// prediction and target are both 0 has none; NaN of no samples.
/// </summary>
/// <remarks>As in torchmetrics, whose least divisor is 1.17·10⁻⁶ where ours is 2⁻⁵².</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class SymmetricMeanAbsolutePercentageError(int outputs = 1) : RegressionMetric(new SymmetricPercentageErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => ErrorSums.Mean(states);
}

/// <summary>
/// Weighted mean absolute percentage error, Σ w |p − y| / Σ w |y|, as a share. At least 0; smaller is better. Where all targets are 0 it is 0 if
/// they were all met, else infinite; NaN of no samples can't be told from that and is 0 too.
/// </summary>
/// <remarks>As in torchmetrics, which divides by 1.17·10⁻⁶ where all targets are 0.</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class WeightedMeanAbsolutePercentageError(int outputs = 1) : RegressionMetric(new ScaledErrors(outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) =>
        [.. states[0].ToArray<double>().Zip(states[1].ToArray<double>(), (error, scale) => error == 0 ? 0 : error / scale)];
}
