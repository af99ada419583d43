using Raijin.Metrics;

namespace Raijin;

/// <summary>Weighted mean of the Tweedie deviance of targets from predictions: twice the log-likelihood lost. At least 0; smaller is better; NaN of no samples.</summary>
/// <remarks>
/// Follows scikit-learn's <c>mean_tweedie_deviance</c> (Jørgensen 1987). Values outside the power's domain are left out and reported.
/// <list type="table">
/// <item><term>power &lt; 0</term><description>extreme stable; predictions above 0</description></item>
/// <item><term>0</term><description>normal, the squared error; any numbers</description></item>
/// <item><term>1</term><description>Poisson, 2 (y log(y / p) + p − y); predictions above 0, targets of at least 0</description></item>
/// <item><term>1 to 2</term><description>compound Poisson; predictions above 0, targets of at least 0</description></item>
/// <item><term>2</term><description>gamma, 2 (log(p / y) + y / p − 1); both above 0</description></item>
/// <item><term>&gt; 2</term><description>positive stable (3: inverse Gaussian); both above 0</description></item>
/// </list>
/// Between 0 and 1 there is no such distribution.
/// </remarks>
/// <param name="power">The power p of the variance, Var y ∝ μ^p.</param>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class TweedieDevianceScore(double power = 0, int outputs = 1) : RegressionMetric(new TweedieDeviances(Checked(power), outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => ErrorSums.Mean(states);

    static double Checked(double power) => power is > 0 and < 1 || !double.IsFinite(power)
        ? throw new ArgumentOutOfRangeException(nameof(power), power, "There is no Tweedie distribution with a power between 0 and 1: take 0, or at least 1.")
        : power;
}
