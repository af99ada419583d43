namespace Raijin;

/// <summary>Precision at k: over queries, relevant among the first k / k, in [0, 1].</summary>
/// <remarks>Undefined for a query without a relevant document. See <see cref="RetrievalMetric"/> for equal scores and for what torchmetrics does otherwise.</remarks>
/// <param name="k">How many documents are retrieved; null for all of the query.</param>
/// <param name="adaptiveK">Divide by the query's documents where they are fewer than k.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalPrecision(int? k = null, bool adaptiveK = false, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    /// <inheritdoc/>
    protected override double Of(in Ranking ranking)
    {
        if (ranking.Relevant() == 0) return double.NaN;
        var retrieved = adaptiveK ? Math.Min(K ?? ranking.Count, ranking.Count) : K ?? ranking.Count;
        return (double)ranking.Relevant(K) / retrieved;
    }
}

/// <summary>Recall at k: over queries, relevant among the first k / relevant, in [0, 1].</summary>
/// <remarks>Undefined for a query without a relevant document. See <see cref="RetrievalMetric"/> for equal scores and for what torchmetrics does otherwise.</remarks>
/// <param name="k">How many documents are retrieved; null for all of the query.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalRecall(int? k = null, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    /// <inheritdoc/>
    protected override double Of(in Ranking ranking) => ranking.Relevant() is var relevant and > 0 ? (double)ranking.Relevant(K) / relevant : double.NaN;
}

/// <summary>Fall-out at k: over queries, not relevant among the first k / not relevant, in [0, 1]; smaller is better.</summary>
/// <remarks>
/// Undefined for a query without a document that is not relevant, which counts as 1 unless the options say otherwise. See <see cref="RetrievalMetric"/> for
/// equal scores.
/// </remarks>
/// <param name="k">How many documents are retrieved; null for all of the query.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalFallOut(int? k = null, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override UndefinedQuery Undefined => UndefinedQuery.One;

    /// <inheritdoc/>
    protected override string Needs => "a document that is not relevant";

    /// <inheritdoc/>
    protected override double Of(in Ranking ranking) => ranking.Count - ranking.Relevant() is var others and > 0
        ? (double)(ranking.First(K).Length - ranking.Relevant(K)) / others
        : double.NaN;
}

/// <summary>Hit rate at k: over queries, 1 where there is a relevant document among the first k, else 0.</summary>
/// <remarks>Undefined for a query without a relevant document. See <see cref="RetrievalMetric"/> for equal scores.</remarks>
/// <param name="k">How many documents are retrieved; null for all of the query.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalHitRate(int? k = null, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    /// <inheritdoc/>
    protected override double Of(in Ranking ranking) => ranking.Relevant() == 0 ? double.NaN : ranking.Relevant(K) > 0 ? 1 : 0;
}

/// <summary>R-precision: over queries, relevant among the first R / R, with R the query's relevant documents; in [0, 1].</summary>
/// <remarks>Undefined for a query without a relevant document. See <see cref="RetrievalMetric"/> for equal scores.</remarks>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalRPrecision(RetrievalOptions? options = null) : RetrievalMetric(null, options)
{
    /// <inheritdoc/>
    protected override double Of(in Ranking ranking) => ranking.Relevant() is var relevant and > 0 ? (double)ranking.Relevant(relevant) / relevant : double.NaN;
}
