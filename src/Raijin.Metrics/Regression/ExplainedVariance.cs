using Raijin.Metrics;

namespace Raijin;

/// <summary>Explained variance, 1 − Var(y − p) / Var(y): R² that forgives a constant error. At most 1; larger is better; NaN of no samples.</summary>
/// <remarks>Follows scikit-learn's <c>explained_variance_score</c>: constant targets give 1 if the errors are constant too, else 0.</remarks>
/// <param name="outputs">How many numbers a sample has.</param>
/// <param name="average">How the scores of several outputs become one.</param>
public sealed class ExplainedVariance(int outputs = 1, OutputAverage average = OutputAverage.Uniform) : RegressionMetric(new PairMoments(PairKind.ErrorsAndTargets, outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double[] PerOutput(MetricStates states) =>
        [.. PairMoments.Read(states).Select(m => m.Count == 0 ? double.NaN : Share(m.A.Squares, m.B.Squares))];

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Combine(PerOutput(states), PairMoments.Read(states), average);

    /// <summary>1 − unexplained / all; of 0 / 0 it is 1, of anything else over 0 it is 0.</summary>
    internal static double Share(double unexplained, double all) => unexplained == 0 ? 1 : all == 0 ? 0 : 1 - unexplained / all;

    internal static double Combine(double[] scores, PairMoment[] moments, OutputAverage average)
    {
        var all = moments.Sum(m => m.B.Squares);
        return average == OutputAverage.Uniform || all == 0
            ? scores.Average()
            : scores.Zip(moments, (score, moment) => score * moment.B.Squares / all).Sum();
    }
}
