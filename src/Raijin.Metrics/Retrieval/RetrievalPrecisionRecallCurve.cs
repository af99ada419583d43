using Raijin.Charts;
using Raijin.Metrics;

namespace Raijin;

/// <summary>Precision and recall of rankings at each k.</summary>
/// <param name="Precision">At k = 1, 2, …</param>
/// <param name="Recall">The same, never falling for means.</param>
public sealed record RetrievalCurve(IReadOnlyList<double> Precision, IReadOnlyList<double> Recall)
{
    /// <summary>Area under precision over recall in steps: Σ_k (recall_k − recall_{k−1}) · precision_k.</summary>
    public double Area => Precision.Zip(Recall, Recall.Prepend(0)).Sum(p => p.First * (p.Second - p.Third));

    /// <summary>The largest recall of a precision of at least <paramref name="precision"/>, and its k, the largest of equals; recall 0 at the last k where none has it.</summary>
    public RecallAtK RecallAtPrecision(double precision)
    {
        var best = new RecallAtK(0, Recall.Count);
        for (var i = 0; i < Recall.Count; i++)
            if (Precision[i] >= precision && Recall[i] > 0 && Recall[i] >= best.Recall) best = new(Recall[i], i + 1);
        return best;
    }
}

/// <summary>A recall and where it is reached.</summary>
/// <param name="Recall">In [0, 1].</param>
/// <param name="K">After how many documents.</param>
public readonly record struct RecallAtK(double Recall, int K);

/// <summary>Precision@k and recall@k for k = 1, 2, … K, over queries.</summary>
/// <remarks>
/// Undefined for a query without a relevant document. Queries are aggregated at each k by itself; over no query both are NaN. The headline
/// number is <see cref="RetrievalCurve.Area"/>. See <see cref="RetrievalMetric"/> for equal scores.
/// </remarks>
/// <param name="maxK">K; null for the documents of the longest query.</param>
/// <param name="adaptiveK">Divide by the query's documents where they are fewer than k.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalPrecisionRecallCurve(int? maxK = null, bool adaptiveK = false, RetrievalOptions? options = null)
    : Metric<Retrieved, RetrievalCurve>(RetrievalMetric.Documents(maxK, options)), IPlot
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute().Area;

    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        var curve = Compute();
        return new LineChart
        {
            Title = title ?? "Precision and recall of rankings",
            XLabel = "recall",
            YLabel = "precision",
            Curves = [new Curve("", curve.Recall, curve.Precision)],
        };
    }

    /// <inheritdoc/>
    protected override RetrievalCurve Compute(MetricStates states) => Curve(states, maxK, adaptiveK, options ?? new());

    internal static RetrievalCurve Curve(MetricStates states, int? maxK, bool adaptiveK, RetrievalOptions options)
    {
        var rankings = new Rankings(states);
        var undefined = new UndefinedQueries(options.Undefined ?? UndefinedQuery.Zero, "a relevant document");
        var longest = 0;
        var counted = new List<(int Query, double Relevant, double Undefined)>();
        for (var query = 0; query < rankings.Count; query++)
        {
            var ranking = rankings[query];
            longest = Math.Max(longest, ranking.Count);
            var relevant = ranking.Relevant();
            var number = 0.0;
            if (relevant > 0 || undefined.TryReplace(ranking.Query, out number)) counted.Add((query, relevant, number));
        }
        undefined.ThrowIfRefused();

        var (precision, recall) = (new double[maxK ?? longest], new double[maxK ?? longest]);
        var (precisions, recalls, found) = (new double[counted.Count], new double[counted.Count], new int[counted.Count]);
        for (var k = 1; k <= precision.Length; k++)
        {
            for (var i = 0; i < found.Length; i++)
            {
                var ranking = rankings[counted[i].Query];
                if (k <= ranking.Count && ranking.Relevance[k - 1] > 0) found[i]++;
                var retrieved = adaptiveK ? Math.Min(k, ranking.Count) : k;
                (precisions[i], recalls[i]) = counted[i].Relevant == 0
                    ? (counted[i].Undefined, counted[i].Undefined)
                    : ((double)found[i] / retrieved, found[i] / counted[i].Relevant);
            }
            (precision[k - 1], recall[k - 1]) = (options.Aggregate(precisions), options.Aggregate(recalls));
        }
        return new RetrievalCurve(precision, recall);
    }
}

/// <summary>The largest recall@k whose precision@k is at least a given one, both over queries, and its k (the largest of equals).</summary>
/// <remarks>
/// Recall 0 at the last k where no k has that precision. The headline number is the recall. Otherwise as <see cref="RetrievalPrecisionRecallCurve"/>, whose
/// states it shares.
/// </remarks>
/// <param name="minPrecision">In [0, 1].</param>
/// <param name="maxK">The largest k; null for the documents of the longest query.</param>
/// <param name="adaptiveK">Divide by the query's documents where they are fewer than k.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class RetrievalRecallAtFixedPrecision(double minPrecision, int? maxK = null, bool adaptiveK = false, RetrievalOptions? options = null)
    : Metric<Retrieved, RecallAtK>(RetrievalMetric.Documents(maxK, options))
{
    readonly double _minPrecision = minPrecision is >= 0 and <= 1 ? minPrecision : throw new ArgumentOutOfRangeException(nameof(minPrecision), minPrecision, "A precision lies in [0, 1].");

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    public override bool? HigherIsBetterOf(string number) => number == "k" ? null : true;

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute().Recall;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var (recall, k) = Compute();
        return [new("recall", recall), new("k", k)];
    }

    /// <inheritdoc/>
    protected override RecallAtK Compute(MetricStates states) =>
        RetrievalPrecisionRecallCurve.Curve(states, maxK, adaptiveK, options ?? new()).RecallAtPrecision(_minPrecision);
}
