using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Variance between clusters over variance within (Caliński and Harabasz 1974): Σ_k n_k‖c_k − c‖² / (K − 1) over Σ_i‖x_i − c_k(i)‖² / (N − K). Larger
/// is better, without a bound.
/// </summary>
/// <remarks>
/// Points [N, D] floating, labels [N] integers. 1 where every point lies on its centre; NaN unless 2 ≤ K ≤ N − 1 (scikit-learn and torchmetrics
/// refuse). As scikit-learn's <c>calinski_harabasz_score</c>. Scores of points share their states in a <see cref="MetricCollection{TBatch}"/>.
/// </remarks>
/// <param name="dimensions">D.</param>
public sealed class CalinskiHarabaszScore(int dimensions) : ScalarMetric<Clustered>(new ClusteredPoints(dimensions))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var clusters = new Clusters(states);
        var (n, k) = (clusters.NumPoints, clusters.NumClusters);
        if (k < 2 || k >= n) return double.NaN;
        var within = clusters.Offsets().square().sum().item<double>();
        var between = ((clusters.Centres - clusters.Points.mean([0])).square().sum(dim: 1) * clusters.Sizes).sum().item<double>();
        return within == 0 ? 1 : between * (n - k) / (within * (k - 1));
    }
}
