using Raijin.Metrics;

namespace Raijin;

/// <summary>Accuracy under the best one-to-one naming of clusters by classes: max over g of the share of samples with g(predicted) = true, in [0, 1].</summary>
/// <remarks>
/// Inputs as of <see cref="MutualInfoScore"/>. Where there are more clusters than classes, those that stand for none are wrong. NaN for no sample. The
/// naming is an assignment problem, solved in O(K³) over a dense table of classes by clusters. torchmetrics needs the number of classes and labels
/// below it; here labels are any integers.
/// </remarks>
/// <param name="ignoreIndex">Samples of this true label are left out; null: none.</param>
public sealed class ClusterAccuracy(long? ignoreIndex = null) : ScalarMetric<Comparison>(new LabelPairs(ignoreIndex))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Contingency.Of(states).BestMatch();
}
