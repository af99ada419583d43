using Raijin.Metrics;

namespace Raijin;

/// <summary>Share of pairs of samples on which predicted clusters and true classes agree, together or apart: in [0, 1] (Rand 1971).</summary>
/// <remarks>Inputs as of <see cref="MutualInfoScore"/>. 1 where there is no pair. As scikit-learn's <c>rand_score</c>.</remarks>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class RandScore(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (both, inClass, inCluster, neither) = Contingency.Of(states).Pairs();
        var all = both + inClass + inCluster + neither;
        return all == 0 ? 1 : (both + neither) / all;
    }
}

/// <summary>
/// The Rand index beyond chance (Hubert and Arabie 1985), over pairs of samples: 2(TP·TN − FN·FP) / ((TP + FN)(FN + TN) + (TP + FP)(FP + TN)).
/// 1 for equal clusterings, about 0 for unrelated ones, −0.5 at worst.
/// </summary>
/// <remarks>Inputs as of <see cref="MutualInfoScore"/>. 1 where clusterings are equal, also with one label, only lone samples, or none. As scikit-learn's <c>adjusted_rand_score</c>.</remarks>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class AdjustedRandScore(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (both, inClass, inCluster, neither) = Contingency.Of(states).Pairs();
        if (inClass == 0 && inCluster == 0) return 1;
        return 2 * (both * neither - inClass * inCluster) / ((both + inClass) * (inClass + neither) + (both + inCluster) * (inCluster + neither));
    }
}

/// <summary>Geometric mean of pairwise precision and recall: TP / √((TP + FP)(TP + FN)) over pairs of samples, in [0, 1] (Fowlkes and Mallows 1983).</summary>
/// <remarks>Inputs as of <see cref="MutualInfoScore"/>. 0 where no pair is together on both sides. As scikit-learn's <c>fowlkes_mallows_score</c>.</remarks>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class FowlkesMallowsIndex(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (both, inClass, inCluster, _) = Contingency.Of(states).Pairs();
        return both == 0 ? 0 : Math.Sqrt(both / (both + inCluster)) * Math.Sqrt(both / (both + inClass));
    }
}
