// a_i samples of class i, b_j of cluster j, n_ij of both, N in all; H entropy in nats.

using System.Diagnostics;
using Raijin.Metrics;

namespace Raijin;

/// <summary>How the entropies of two labelings become one: what mutual information is divided by.</summary>
public enum EntropyMean
{
    /// <summary>(x + y) / 2.</summary>
    Arithmetic,

    /// <summary>√(x·y).</summary>
    Geometric,

    /// <summary>The smaller.</summary>
    Min,

    /// <summary>The larger.</summary>
    Max,
}

/// <summary>
/// Mutual information of predicted clusters and true classes in nats: I = Σ n_ij/N · ln(N·n_ij / (a_i·b_j)), in [0, min(H, H')].
/// </summary>
/// <remarks>
/// Predictions and targets are [N] integers, any values, not renumbered; weights are refused. 0 where one side has a single label, and for no
/// sample. As scikit-learn's <c>mutual_info_score</c>. All scores of clusterings share one sparse table of counts in a <see cref="MetricCollection"/>.
/// </remarks>
/// <param name="ignoreIndex">Samples of this true label are left out (noise); null: none.</param>
public sealed class MutualInfoScore(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Contingency.Of(states).MutualInformation();
}

/// <summary>Mutual information divided by a mean of both entropies: I / mean(H, H'), in [0, 1].</summary>
/// <remarks>
/// Inputs as of <see cref="MutualInfoScore"/>. 1 where both sides have a single label (or there is no sample), 0 where one side has. As scikit-learn's
/// <c>normalized_mutual_info_score</c>; torchmetrics gives 0 for two single labels.
/// </remarks>
/// <param name="mean">Of the entropies.</param>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class NormalizedMutualInfoScore(EntropyMean mean = EntropyMean.Arithmetic, long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var table = Contingency.Of(states);
        if (table.IsTrivial) return 1;
        var information = table.MutualInformation();
        return information == 0 ? 0 : information / mean.Of(table.ClassEntropy(), table.ClusterEntropy());
    }
}

/// <summary>
/// Mutual information beyond chance: (I − E[I]) / (mean(H, H') − E[I]) (Vinh, Epps and Bailey 2010), E over labelings of the same sizes. 1 for equal
/// clusterings, about 0 for unrelated ones, less for worse.
/// </summary>
/// <remarks>
/// Inputs as of <see cref="MutualInfoScore"/>. 1 where both sides have a single label (or there is no sample). Where chance reaches all there is
/// (every sample alone on one side, and the mean is no more than that), 1 for equal clusterings, else 0; scikit-learn divides rounding errors there.
/// Else as scikit-learn's <c>adjusted_mutual_info_score</c>, E by the hypergeometric recurrence instead of log-factorials: exact to rounding for any N, and a few standard
/// deviations of work for each pair of different sizes.
/// </remarks>
/// <param name="mean">Of the entropies.</param>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class AdjustedMutualInfoScore(EntropyMean mean = EntropyMean.Arithmetic, long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    const double Rounding = 1e-13;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var table = Contingency.Of(states);
        if (table.IsTrivial) return 1;
        var expected = table.ExpectedMutualInformation();
        var all = mean.Of(table.ClassEntropy(), table.ClusterEntropy());
        if (all - expected <= Rounding * all) return table.IsMatch ? 1 : 0;
        return (table.MutualInformation() - expected) / (all - expected);
    }
}

static class EntropyMeans
{
    public static double Of(this EntropyMean mean, double x, double y) => mean switch
    {
        EntropyMean.Arithmetic => (x + y) / 2,
        EntropyMean.Geometric => Math.Sqrt(x * y),
        EntropyMean.Min => Math.Min(x, y),
        EntropyMean.Max => Math.Max(x, y),
        _ => throw new UnreachableException(),
    };
}
