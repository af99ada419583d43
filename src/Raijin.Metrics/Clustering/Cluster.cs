using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Scores of clusterings as plain functions: against known classes (labels of any integers, [N]), or of points and their labels alone.</summary>
public static class Cluster
{
    /// <inheritdoc cref="MutualInfoScore"/>
    public static double MutualInfo(Tensor predictions, Tensor targets) => Of(new MutualInfoScore(), predictions, targets);

    /// <inheritdoc cref="NormalizedMutualInfoScore"/>
    public static double NormalizedMutualInfo(Tensor predictions, Tensor targets, EntropyMean mean = EntropyMean.Arithmetic) =>
        Of(new NormalizedMutualInfoScore(mean), predictions, targets);

    /// <inheritdoc cref="AdjustedMutualInfoScore"/>
    public static double AdjustedMutualInfo(Tensor predictions, Tensor targets, EntropyMean mean = EntropyMean.Arithmetic) =>
        Of(new AdjustedMutualInfoScore(mean), predictions, targets);

    /// <inheritdoc cref="RandScore"/>
    public static double Rand(Tensor predictions, Tensor targets) => Of(new RandScore(), predictions, targets);

    /// <inheritdoc cref="AdjustedRandScore"/>
    public static double AdjustedRand(Tensor predictions, Tensor targets) => Of(new AdjustedRandScore(), predictions, targets);

    /// <inheritdoc cref="FowlkesMallowsIndex"/>
    public static double FowlkesMallows(Tensor predictions, Tensor targets) => Of(new FowlkesMallowsIndex(), predictions, targets);

    /// <inheritdoc cref="HomogeneityScore"/>
    public static double Homogeneity(Tensor predictions, Tensor targets) => Of(new HomogeneityScore(), predictions, targets);

    /// <inheritdoc cref="CompletenessScore"/>
    public static double Completeness(Tensor predictions, Tensor targets) => Of(new CompletenessScore(), predictions, targets);

    /// <inheritdoc cref="VMeasureScore"/>
    public static double VMeasure(Tensor predictions, Tensor targets, double beta = 1) => Of(new VMeasureScore(beta), predictions, targets);

    /// <inheritdoc cref="ClusterAccuracy"/>
    public static double Accuracy(Tensor predictions, Tensor targets) => Of(new ClusterAccuracy(), predictions, targets);

    /// <inheritdoc cref="CalinskiHarabaszScore"/>
    public static double CalinskiHarabasz(Tensor points, Tensor labels) => Of(new CalinskiHarabaszScore(Dimensions(points)), new Clustered(points, labels));

    /// <inheritdoc cref="DaviesBouldinScore"/>
    public static double DaviesBouldin(Tensor points, Tensor labels) => Of(new DaviesBouldinScore(Dimensions(points)), new Clustered(points, labels));

    /// <inheritdoc cref="DunnIndex"/>
    public static double Dunn(Tensor points, Tensor labels, double p = 2) => Of(new DunnIndex(Dimensions(points), p), new Clustered(points, labels));

    /// <inheritdoc cref="SilhouetteScore"/>
    public static double Silhouette(Tensor points, Tensor labels) => Of(new SilhouetteScore(Dimensions(points)), new Clustered(points, labels));

    static int Dimensions(Tensor points) => checked((int)points.shape[^1]);

    static double Of(ScalarMetric<Comparison> metric, Tensor predictions, Tensor targets) => Of(metric, new Comparison(predictions, targets));

    static double Of<TBatch>(ScalarMetric<TBatch> metric, TBatch batch)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        using (metric) return metric.Of(in batch);
    }
}
