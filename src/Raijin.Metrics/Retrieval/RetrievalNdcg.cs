namespace Raijin;

/// <summary>What a document of a grade is worth.</summary>
public enum RelevanceGain
{
    /// <summary>The grade itself (Järvelin and Kekäläinen 2002; scikit-learn, torchmetrics).</summary>
    Linear,

    /// <summary>2^grade − 1 (Burges et al. 2005; most competitions).</summary>
    Exponential,
}

/// <summary>What becomes of documents of equal scores.</summary>
public enum ScoreTies
{
    /// <summary>Each gets the mean gain of its equals (McSherry and Najork 2008; scikit-learn, torchmetrics): the expectation over their orders.</summary>
    Average,

    /// <summary>They keep the order they came in (scikit-learn's <c>ignore_ties</c>).</summary>
    Order,
}

/// <summary>
/// Normalized discounted cumulative gain: over queries, Σ_{i ≤ k} gain_i / log₂(i + 1) divided by the same sum of the best order; in [0, 1].
/// </summary>
/// <remarks>
/// Relevance is graded: bool, integers or floating, 0 or more. Undefined for a query without a relevant document (scikit-learn counts it as 0). As
/// scikit-learn's <c>ndcg_score</c>. See <see cref="RetrievalMetric"/>.
/// </remarks>
/// <param name="k">Only the first k documents count; null for all.</param>
/// <param name="gain">What a grade is worth.</param>
/// <param name="ties">What becomes of equal scores.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalNdcg(int? k = null, RelevanceGain gain = RelevanceGain.Linear, ScoreTies ties = ScoreTies.Average, RetrievalOptions? options = null)
    : RetrievalMetric(k, options)
{
    readonly List<double> _discounts = [];

    /// <inheritdoc/>
    protected override double Of(in Ranking ranking)
    {
        if (ranking.Relevant() == 0) return double.NaN;
        var last = Math.Min(K ?? ranking.Count, ranking.Count);
        while (_discounts.Count < last) _discounts.Add(1 / Math.Log2(_discounts.Count + 2));
        var gains = new double[ranking.Count];
        for (var i = 0; i < gains.Length; i++) gains[i] = gain == RelevanceGain.Linear ? ranking.Relevance[i] : double.Exp2(ranking.Relevance[i]) - 1;

        var reached = ties == ScoreTies.Average ? Averaged(ranking.Scores, gains, last) : Discounted(gains, last);
        Array.Sort(gains);
        Array.Reverse(gains);
        return reached / Discounted(gains, last);
    }

    double Discounted(ReadOnlySpan<double> gains, int last)
    {
        var sum = 0.0;
        for (var i = 0; i < last; i++) sum += _discounts[i] * gains[i];
        return sum;
    }

    double Averaged(ReadOnlySpan<double> scores, ReadOnlySpan<double> gains, int last)
    {
        var sum = 0.0;
        for (var start = 0; start < last;)
        {
            var (end, ofEquals, discount) = (start, 0.0, 0.0);
            for (; end < scores.Length && scores[end] == scores[start]; end++)
            {
                ofEquals += gains[end];
                if (end < last) discount += _discounts[end];
            }
            sum += discount * ofEquals / (end - start);
            start = end;
        }
        return sum;
    }
}
