using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The documents of one query, best score first; equal scores in the order they came in.</summary>
public readonly ref struct Ranking
{
    internal Ranking(long query, ReadOnlySpan<double> scores, ReadOnlySpan<double> relevance)
    {
        Query = query;
        Scores = scores;
        Relevance = relevance;
    }

    /// <summary>The name of the query.</summary>
    public long Query { get; }

    /// <summary>Falling.</summary>
    public ReadOnlySpan<double> Scores { get; }

    /// <summary>Of each document: 0 for not relevant, grades above it.</summary>
    public ReadOnlySpan<double> Relevance { get; }

    /// <summary>How many documents there are.</summary>
    public int Count => Relevance.Length;

    /// <summary>How many of the first <paramref name="k"/> are relevant, of any grade; null for all.</summary>
    public int Relevant(int? k = null)
    {
        var relevant = 0;
        foreach (var grade in First(k)) relevant += grade > 0 ? 1 : 0;
        return relevant;
    }

    /// <summary>The relevance of the first <paramref name="k"/>, fewer where there are not so many; null for all.</summary>
    public ReadOnlySpan<double> First(int? k) => Relevance[..Math.Min(k ?? Count, Count)];
}

/// <summary>
/// A metric of rankings: a number for each query, and these as one. Derive from it for a number of your own.
/// </summary>
/// <remarks>
/// Batches are <see cref="Retrieved"/>; documents of any relevance above 0 are relevant. Documents are ranked by score alone: torchmetrics takes documents of scores of 0
/// and less as not retrieved in some of its metrics, which logits and distances can't live with. Equal scores keep the order they came in (over several
/// updates and merges, the order of these). All metrics of retrieval share their states and one sort in a <see cref="MetricCollection{TBatch}"/>.
/// </remarks>
public abstract class RetrievalMetric : ScalarMetric<Retrieved>
{
    readonly RetrievalOptions _options;

    /// <summary>A metric of rankings.</summary>
    /// <param name="k">Only the first k documents of a query count; null for all. Checked to be positive.</param>
    /// <param name="options">Null for the defaults.</param>
    protected RetrievalMetric(int? k, RetrievalOptions? options)
        : base(Documents(k, options)) => (K, _options) = (k, options ?? new());

    /// <summary>Only the first k documents of a query count; null for all.</summary>
    public int? K { get; }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The numbers of the queries, by rising name; those that are left out are missing.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    /// <exception cref="MetricInputException">Values came in that can't be counted.</exception>
    public IReadOnlyDictionary<long, double> PerQuery()
    {
        ThrowIfEmpty();
        using var gradients = no_grad();
        var numbers = new OrderedDictionary<long, double>();
        foreach (var (query, value) in Numbers(States)) numbers.Add(query, value);
        return numbers;
    }

    /// <summary>The number of one query; NaN where it is undefined, which <see cref="RetrievalOptions.Undefined"/> decides about.</summary>
    /// <param name="ranking">At least one document.</param>
    protected abstract double Of(in Ranking ranking);

    /// <summary>What an undefined query counts as where the options don't say.</summary>
    protected virtual UndefinedQuery Undefined => UndefinedQuery.Zero;

    /// <summary>What a query must have for the number to be defined, for messages.</summary>
    protected virtual string Needs => "a relevant document";

    /// <inheritdoc/>
    protected sealed override double Compute(MetricStates states) => _options.Aggregate([.. Numbers(states).Select(n => n.Value)]);

    internal static RankedDocuments Documents(int? k, RetrievalOptions? options)
    {
        if (k is { } first) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first, nameof(k));
        return new RankedDocuments(options?.IgnoreIndex);
    }

    List<KeyValuePair<long, double>> Numbers(MetricStates states)
    {
        var rankings = new Rankings(states);
        var undefined = new UndefinedQueries(_options.Undefined ?? Undefined, Needs);
        var numbers = new List<KeyValuePair<long, double>>(rankings.Count);
        for (var i = 0; i < rankings.Count; i++)
        {
            var ranking = rankings[i];
            var number = Of(in ranking);
            if (double.IsNaN(number) && !undefined.TryReplace(ranking.Query, out number)) continue;
            numbers.Add(new(ranking.Query, number));
        }
        undefined.ThrowIfRefused();
        return numbers;
    }
}

/// <summary>What becomes of queries on which a metric is undefined.</summary>
sealed class UndefinedQueries(UndefinedQuery action, string needs)
{
    long _refused;
    long _first;

    /// <summary>The number the query counts as; false where it counts as none.</summary>
    public bool TryReplace(long query, out double number)
    {
        number = action == UndefinedQuery.One ? 1 : 0;
        if (action == UndefinedQuery.Error && _refused++ == 0) _first = query;
        return action is UndefinedQuery.Zero or UndefinedQuery.One;
    }

    public void ThrowIfRefused()
    {
        if (_refused > 0) MetricInputException.Throw($"queries with {needs}", _refused, _first);
    }
}
