using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Lin's concordance correlation, 2 s_py / (s_p² + s_y² + (p̄ − ȳ)²): correlation with the line p = y, so that an offset or another scale counts as an
/// error. In [−1, 1]; larger is better; 0 where only one of the two is constant, NaN where both are the same constant.
/// </summary>
/// <remarks>
/// Lin 1989, whose variances divide by n. torchmetrics divides them by n − 1, which <paramref name="unbiased"/> gives, and returns NaN wherever
/// either is constant.
/// </remarks>
/// <param name="outputs">How many numbers a sample has.</param>
/// <param name="unbiased">Variances divide by n − 1; n is the weight of all samples.</param>
public sealed class ConcordanceCorrCoef(int outputs = 1, bool unbiased = false) : RegressionMetric(new PairMoments(PairKind.PredictionsAndTargets, outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double[] PerOutput(MetricStates states) => [.. PairMoments.Read(states).Select(Of)];

    double Of(PairMoment moment)
    {
        var off = moment.A.Mean - moment.B.Mean;
        var co = moment.A.Squares == 0 || moment.B.Squares == 0 ? 0 : moment.Co;
        return 2 * co / (moment.A.Squares + moment.B.Squares + (moment.Weight - (unbiased ? 1 : 0)) * off * off);
    }
}
