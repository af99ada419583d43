using Raijin.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// How much nearer points lie to their own cluster than to the next one (Rousseeuw 1987): the mean over points of (b − a) / max(a, b), with a the mean
/// distance to the others of the own cluster and b the least mean distance to another cluster. In [−1, 1].
/// </summary>
/// <remarks>
/// Points [N, D] floating, labels [N] integers; Euclidean distances, O(N²·D) work in blocks of rows. A lone point counts as 0. NaN unless
/// 2 ≤ K ≤ N − 1. As scikit-learn's <c>silhouette_score</c>, which torchmetrics has not.
/// </remarks>
/// <param name="dimensions">D.</param>
public sealed class SilhouetteScore(int dimensions) : ScalarMetric<Clustered>(new ClusteredPoints(dimensions))
{
    /// <summary>Distances computed at a time: 32 MB of them.</summary>
    const long BlockDistances = 1 << 22;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var clusters = new Clusters(states);
        var (n, k) = (clusters.NumPoints, clusters.NumClusters);
        if (k < 2 || k >= n) return double.NaN;
        var members = nn.functional.one_hot(clusters.Positions, k).to(ScalarType.Float64);                          // [N, K]
        var total = zeros([], ScalarType.Float64, clusters.Points.device);
        var block = Math.Max(1, BlockDistances / n);
        for (long start = 0; start < n; start += block)
        {
            using var scope = NewDisposeScope();
            var rows = Math.Min(block, n - start);
            var own = members.narrow(0, start, rows);                                                             // [R, K]
            var distances = cdist(clusters.Points.narrow(0, start, rows), clusters.Points, 2, compute_mode.donot_use_mm_for_euclid_dist);
            var sums = distances.matmul(members);                                                                 // [R, K]
            var size = own.matmul(clusters.Sizes);                                                                // [R]
            var a = (sums * own).sum(dim: 1) / (size - 1).clamp_min(1);
            var b = (sums / clusters.Sizes).masked_fill(own.to(ScalarType.Bool), double.PositiveInfinity).amin([1]);
            var larger = maximum(a, b);
            var silhouettes = ((b - a) / larger).masked_fill(size.eq(1).logical_or(larger.eq(0)), 0);
            total.add_(silhouettes.sum());
        }
        return total.item<double>() / n;
    }
}
