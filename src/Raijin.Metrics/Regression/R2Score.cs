using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Coefficient of determination, R² = 1 − Σ w (p − y)² / Σ w (y − ȳ)²: the share of the targets' variance that predictions explain. At most 1;
/// 0 is what predicting the mean gives; larger is better.
/// </summary>
/// <remarks>
/// Follows scikit-learn's <c>r2_score</c>: constant targets give 1 if all were met, else 0; fewer than two samples give NaN. torchmetrics takes
/// variances below 10⁻⁴ for 0 and subtracts sums of squares; here moments are kept around the mean and constancy is exact.
/// </remarks>
/// <param name="outputs">How many numbers a sample has.</param>
/// <param name="adjusted">
/// How many regressors k the adjusted score 1 − (1 − R²)(n − 1)/(n − k − 1) makes up for, n being the weight of all samples; 0: the plain score.
/// NaN where n ≤ k + 1 (torchmetrics falls back to the plain score).
/// </param>
/// <param name="average">How the scores of several outputs become one.</param>
public sealed class R2Score(int outputs = 1, int adjusted = 0, OutputAverage average = OutputAverage.Uniform) : RegressionMetric(new PairMoments(PairKind.ErrorsAndTargets, outputs))
{
    readonly int _adjusted = adjusted >= 0 ? adjusted : throw new ArgumentOutOfRangeException(nameof(adjusted), adjusted, "A number of regressors is not negative.");

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double[] PerOutput(MetricStates states) => [.. PairMoments.Read(states).Select(Score)];

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => ExplainedVariance.Combine(PerOutput(states), PairMoments.Read(states), average);

    double Score(PairMoment moment)
    {
        if (moment.Count < 2) return double.NaN;
        var score = ExplainedVariance.Share(moment.SumOfSquares, moment.B.Squares);
        if (_adjusted == 0) return score;
        var degrees = moment.Weight - _adjusted - 1;
        return degrees > 0 ? 1 - (1 - score) * (moment.Weight - 1) / degrees : double.NaN;
    }
}
