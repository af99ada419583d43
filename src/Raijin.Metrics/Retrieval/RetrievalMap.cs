using System.Diagnostics;

namespace Raijin;

/// <summary>What the precisions at the relevant documents among the first k are divided by. Without k all are the same.</summary>
public enum PrecisionMean
{
    /// <summary>R, the relevant documents of the query: what lies behind k counts as missed (trec_eval's map_cut).</summary>
    Relevant,

    /// <summary>min(k, R): the most that k documents can hold.</summary>
    Reachable,

    /// <summary>The relevant among the first k: what lies behind k does not count (torchmetrics).</summary>
    Retrieved,
}

/// <summary>
/// Mean average precision of rankings: over queries, the mean of precision@i over the ranks i of relevant documents, in [0, 1].
/// </summary>
/// <remarks>
/// Undefined for a query without a relevant document. Without k and with binary relevance as scikit-learn's <c>average_precision_score</c> of each query,
/// as long as no scores are equal. See <see cref="RetrievalMetric"/> for equal scores and for what torchmetrics does otherwise.
/// </remarks>
/// <param name="k">Only the first k documents count; null for all.</param>
/// <param name="mean">What is divided by where k cuts off. torchmetrics: <see cref="PrecisionMean.Retrieved"/>.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalMap(int? k = null, PrecisionMean mean = PrecisionMean.Relevant, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    /// <inheritdoc/>
    protected override double Of(in Ranking ranking)
    {
        var relevant = ranking.Relevant();
        if (relevant == 0) return double.NaN;
        var (found, sum) = (0, 0.0);
        var grades = ranking.First(K);
        for (var i = 0; i < grades.Length; i++)
            if (grades[i] > 0) sum += ++found / (i + 1.0);
        if (found == 0) return 0;
        return sum / mean switch
        {
            PrecisionMean.Relevant => relevant,
            PrecisionMean.Reachable => Math.Min(relevant, K ?? relevant),
            PrecisionMean.Retrieved => found,
            _ => throw new UnreachableException(),
        };
    }
}

/// <summary>Mean reciprocal rank: over queries, 1 / the rank of the first relevant document, 0 where it is not among the first k; in [0, 1].</summary>
/// <remarks>Undefined for a query without a relevant document. See <see cref="RetrievalMetric"/> for equal scores and for what torchmetrics does otherwise.</remarks>
/// <param name="k">Only the first k documents count; null for all.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalMrr(int? k = null, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    /// <inheritdoc/>
    protected override double Of(in Ranking ranking)
    {
        var grades = ranking.First(K);
        for (var i = 0; i < grades.Length; i++)
            if (grades[i] > 0) return 1.0 / (i + 1);
        return ranking.Relevant() == 0 ? double.NaN : 0;
    }
}
