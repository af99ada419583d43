using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Metrics of rankings as plain functions. Scores (floating) and relevance are of one shape; queries, of that shape too, name the query of each document, null
/// where all belong to one.
/// </summary>
public static class Retrieval
{
    /// <inheritdoc cref="RetrievalMap"/>
    public static double Map(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null, PrecisionMean mean = PrecisionMean.Relevant) =>
        Of(new RetrievalMap(k, mean), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalMrr"/>
    public static double Mrr(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null) => Of(new RetrievalMrr(k), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalNdcg"/>
    public static double Ndcg(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null, RelevanceGain gain = RelevanceGain.Linear, ScoreTies ties = ScoreTies.Average) =>
        Of(new RetrievalNdcg(k, gain, ties), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalPrecision"/>
    public static double Precision(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null, bool adaptiveK = false) =>
        Of(new RetrievalPrecision(k, adaptiveK), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalRecall"/>
    public static double Recall(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null) => Of(new RetrievalRecall(k), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalFallOut"/>
    public static double FallOut(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null) => Of(new RetrievalFallOut(k), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalHitRate"/>
    public static double HitRate(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null) => Of(new RetrievalHitRate(k), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalRPrecision"/>
    public static double RPrecision(Tensor scores, Tensor relevance, Tensor? queries = null) => Of(new RetrievalRPrecision(), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalAuroc"/>
    public static double Auroc(Tensor scores, Tensor relevance, Tensor? queries = null, int? k = null, double maxFpr = 1) =>
        Of(new RetrievalAuroc(k, maxFpr), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalPrecisionRecallCurve"/>
    public static RetrievalCurve PrecisionRecallCurve(Tensor scores, Tensor relevance, Tensor? queries = null, int? maxK = null, bool adaptiveK = false) =>
        Of(new RetrievalPrecisionRecallCurve(maxK, adaptiveK), scores, relevance, queries);

    /// <inheritdoc cref="RetrievalRecallAtFixedPrecision"/>
    public static RecallAtK RecallAtFixedPrecision(Tensor scores, Tensor relevance, double minPrecision, Tensor? queries = null, int? maxK = null, bool adaptiveK = false) =>
        Of(new RetrievalRecallAtFixedPrecision(minPrecision, maxK, adaptiveK), scores, relevance, queries);

    static TResult Of<TResult>(Metric<Retrieved, TResult> metric, Tensor scores, Tensor relevance, Tensor? queries)
    {
        using var scope = NewDisposeScope();
        using (metric) return metric.Of(scores, relevance, queries ?? zeros(scores.shape, ScalarType.Int64, scores.device));
    }
}
