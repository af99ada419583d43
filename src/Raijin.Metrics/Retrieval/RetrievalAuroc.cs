namespace Raijin;

/// <summary>
/// Area under the ROC curve of each query's first k documents, over queries: the share of pairs (relevant, not relevant) in the right order, equal scores
/// half; in [0, 1]. With <c>maxFpr</c> the area up to that false-positive rate, standardized so that chance has 0.5 (McClish 1989).
/// </summary>
/// <remarks>
/// Undefined for a query whose first k documents are all relevant or all not (torchmetrics counts a query without a relevant document as its option says, and
/// the other such queries as 0). As scikit-learn's <c>roc_auc_score</c> of each query. See <see cref="RetrievalMetric"/>.
/// </remarks>
/// <param name="k">Only the first k documents of a query count; null for all.</param>
/// <param name="maxFpr">How far the curve is followed, in (0, 1]; 1 for all of it.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalAuroc(int? k = null, double maxFpr = 1, RetrievalOptions? options = null) : RetrievalMetric(k, options)
{
    readonly double _maxFpr = maxFpr is > 0 and <= 1 ? maxFpr : throw new ArgumentOutOfRangeException(nameof(maxFpr), maxFpr, "A false-positive rate lies in (0, 1].");

    /// <inheritdoc/>
    protected override string Needs => "a relevant document and one that is not";

    /// <inheritdoc/>
    protected override double Of(in Ranking ranking)
    {
        var grades = ranking.First(K);
        double relevant = ranking.Relevant(K);
        var others = grades.Length - relevant;
        if (relevant == 0 || others == 0) return double.NaN;

        // In units of documents: the curve goes right by those that are not relevant, up by those that are; equals go both ways at once.
        var (limit, area, right, up) = (_maxFpr * others, 0.0, 0.0, 0.0);
        for (var start = 0; start < grades.Length && right < limit;)
        {
            var (end, rise) = (start, 0);
            for (; end < grades.Length && ranking.Scores[end] == ranking.Scores[start]; end++) rise += grades[end] > 0 ? 1 : 0;
            double run = end - start - rise;
            var part = run == 0 ? 0 : Math.Min(1, (limit - right) / run);
            area += part * run * (up + part * rise / 2);
            (right, up, start) = (right + run, up + rise, end);
        }
        area /= relevant * others;
        if (_maxFpr == 1) return area;
        var chance = _maxFpr * _maxFpr / 2;
        return (1 + (area - chance) / (_maxFpr - chance)) / 2;
    }
}
