using Raijin.Metrics;

namespace Raijin;

/// <summary>Whether clusters hold one class each: 1 − H(class | cluster) / H(class), in [0, 1] (Rosenberg and Hirschberg 2007).</summary>
/// <remarks>Inputs as of <see cref="MutualInfoScore"/>. 1 where there is one class only, or no sample (torchmetrics gives 0 for none). As scikit-learn's <c>homogeneity_score</c>.</remarks>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class HomogeneityScore(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Homogeneity(Contingency.Of(states));

    internal static double Homogeneity(Contingency table) => Explained(table.MutualInformation(), table.ClassEntropy());

    internal static double Completeness(Contingency table) => Explained(table.MutualInformation(), table.ClusterEntropy());

    static double Explained(double information, double entropy) => entropy == 0 ? 1 : information / entropy;
}

/// <summary>Whether classes lie in one cluster each: 1 − H(cluster | class) / H(cluster), in [0, 1] (Rosenberg and Hirschberg 2007).</summary>
/// <remarks>Inputs as of <see cref="MutualInfoScore"/>. 1 where there is one cluster only, or no sample (torchmetrics gives 0 for none). As scikit-learn's <c>completeness_score</c>.</remarks>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class CompletenessScore(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => HomogeneityScore.Completeness(Contingency.Of(states));
}

/// <summary>Harmonic mean of homogeneity h and completeness c: (1 + β)·h·c / (β·h + c), in [0, 1] (Rosenberg and Hirschberg 2007).</summary>
/// <remarks>
/// Inputs as of <see cref="MutualInfoScore"/>. 0 where h and c are both 0 (torchmetrics gives 1); 1 for no sample. As scikit-learn's <c>v_measure_score</c>;
/// with β = 1 the same as <see cref="NormalizedMutualInfoScore"/> with the arithmetic mean.
/// </remarks>
/// <param name="beta">Above 1 completeness weighs more, below 1 homogeneity; not negative.</param>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class VMeasureScore(double beta = 1, long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    readonly double _beta = beta >= 0 ? beta : throw new ArgumentOutOfRangeException(nameof(beta), beta, "A weight is not negative.");

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var table = Contingency.Of(states);
        var (homogeneity, completeness) = (HomogeneityScore.Homogeneity(table), HomogeneityScore.Completeness(table));
        return homogeneity + completeness == 0 ? 0 : (1 + _beta) * homogeneity * completeness / (_beta * homogeneity + completeness);
    }
}
