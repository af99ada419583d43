using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// How alike each cluster is to the one most like it (Davies and Bouldin 1979): the mean over k of max over l of (s_k + s_l) / ‖c_k − c_l‖, with s the
/// mean distance of a cluster's points to its centre. Smaller is better; 0 is the least.
/// </summary>
/// <remarks>
/// Points [N, D] floating, labels [N] integers. Pairs of equal centres are left out; 0 where all points lie on their centres or all centres are equal
/// (within 1e-8), as scikit-learn's <c>davies_bouldin_score</c> has it; NaN unless 2 ≤ K ≤ N − 1 (scikit-learn and torchmetrics refuse).
/// </remarks>
/// <param name="dimensions">D.</param>
public sealed class DaviesBouldinScore(int dimensions) : ScalarMetric<Clustered>(new ClusteredPoints(dimensions))
{
    const double Nothing = 1e-8;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var clusters = new Clusters(states);
        if (clusters.NumClusters < 2 || clusters.NumClusters >= clusters.NumPoints) return double.NaN;
        var spread = clusters.Sum(clusters.Offsets().square().sum(dim: 1).sqrt()) / clusters.Sizes;              // [K]
        var apart = clusters.CentreDistances(2);                                                                  // [K, K]
        if (spread.max().item<double>() <= Nothing || apart.max().item<double>() <= Nothing) return 0;
        var likeness = (spread.unsqueeze(0) + spread.unsqueeze(1)) / apart.masked_fill(apart.eq(0), double.PositiveInfinity);
        return likeness.amax([1]).mean().item<double>();
    }
}
