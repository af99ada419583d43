using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// The nearest clusters over the widest one (Dunn 1973), both measured from centres: min over pairs of ‖c_k − c_l‖_p over max over points of
/// ‖x_i − c_k(i)‖_p. Larger is better, without a bound.
/// </summary>
/// <remarks>
/// Points [N, D] floating, labels [N] integers. Of the family of Dunn indices this is the one torchmetrics has. NaN for fewer than two clusters
/// (torchmetrics fails); where every point lies on its centre +∞, or NaN if centres are equal as well.
/// </remarks>
/// <param name="dimensions">D.</param>
/// <param name="p">The norm, at least 1: 2 is Euclid's, 1 the sum of differences, infinity the largest.</param>
public sealed class DunnIndex(int dimensions, double p = 2) : ScalarMetric<Clustered>(new ClusteredPoints(dimensions))
{
    readonly double _p = p >= 1 ? p : throw new ArgumentOutOfRangeException(nameof(p), p, "A norm has p >= 1.");

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var clusters = new Clusters(states);
        if (clusters.NumClusters < 2) return double.NaN;
        // A centre's distance to itself is no distance between clusters.
        var apart = clusters.CentreDistances(_p).masked_fill(eye(clusters.NumClusters, dtype: ScalarType.Bool, device: clusters.Points.device), double.PositiveInfinity);
        var width = linalg.vector_norm(clusters.Offsets(), _p, [1]).max();
        return apart.min().item<double>() / width.item<double>();
    }
}
