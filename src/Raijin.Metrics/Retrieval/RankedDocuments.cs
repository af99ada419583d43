// Three lists of one length: scores and relevance in float64 (any input orders and ties as it did), queries. They are sorted once when asked, by query
// and falling score, on the device they lie on; the sorted lists stay in the states, so that the next metric over them finds them sorted.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>All documents: a ranking is known only when its query is complete.</summary>
/// <param name="IgnoreIndex">Documents of this relevance are left out; null: none.</param>
sealed record RankedDocuments(long? IgnoreIndex) : Accumulation<Retrieved>
{
    const int Scores = 0, Relevance = 1, Queries = 2;
    const int NotANumber = 0, Negative = 1;

    public override void Declare(MetricStates states)
    {
        states.Add("scores", Reduction.Concatenate, zeros([0], ScalarType.Float64));
        states.Add("relevance", Reduction.Concatenate, zeros([0], ScalarType.Float64));
        states.Add("queries", Reduction.Concatenate, zeros([0], ScalarType.Int64));
        states.AddFaults("scores that are numbers", "relevance of 0 or more");
    }

    public override void Check(in Retrieved batch)
    {
        var shape = HostTensor.Sizes(batch.Scores);
        if (!batch.Scores.is_floating_point()) ShapeMismatchException.Throw("scores", "a floating type", ShapeText.Of(batch.Scores));
        if (!HostTensor.Sizes(batch.Relevance).SequenceEqual(shape) || batch.Relevance.is_complex())
            ShapeMismatchException.Throw("relevance", $"[{string.Join(", ", shape.ToArray())}], as the scores", ShapeText.Of(batch.Relevance));
        if (!HostTensor.Sizes(batch.Queries).SequenceEqual(shape) || batch.Queries.is_floating_point())
            ShapeMismatchException.Throw("queries", $"[{string.Join(", ", shape.ToArray())}] integers, as the scores", ShapeText.Of(batch.Queries));
    }

    protected internal override void Add(MetricStates states, in Retrieved batch)
    {
        var scores = batch.Scores.reshape(-1);
        var relevance = batch.Relevance.reshape(-1).to(ScalarType.Float64, scores.device);
        var right = relevance.ge(0);                                                                  // false for NaN too
        if (IgnoreIndex is { } ignored)
        {
            // Leaving documents out would need their number, and so a wait: they are marked.
            var isIgnored = relevance.eq(ignored);
            relevance = relevance.masked_fill(isIgnored, double.NaN);
            right = right.logical_or(isIgnored);
        }
        states.Faults!.Note(NotANumber, scores.isnan(), scores);
        states.Faults.Note(Negative, right.logical_not(), relevance);
        states[Scores].Append(scores);
        states[Relevance].Append(relevance);
        states[Queries].Append(batch.Queries.reshape(-1));
    }

    /// <summary>Leaves ignored documents out and sorts the rest by query and falling score, where that was not done yet. Equal scores keep the order they came in.</summary>
    public static void Sort(MetricStates states)
    {
        using var scope = NewDisposeScope();
        var kept = states[Relevance].Value.isnan().logical_not();
        if (!kept.all().item<bool>()) Choose(states, kept.nonzero().squeeze(1));

        var (scores, queries, n) = (states[Scores].Value, states[Queries].Value, states[Scores].Rows);
        if (n < 2) return;
        var (query, next) = (queries.narrow(0, 0, n - 1), queries.narrow(0, 1, n - 1));
        var inOrder = next.gt(query).logical_or(next.eq(query).logical_and(scores.narrow(0, 1, n - 1).le(scores.narrow(0, 0, n - 1))));
        if (inOrder.all().item<bool>()) return;
        var (_, byScore) = scores.sort(descending: true, stable: true);
        var (_, byQuery) = queries.index_select(0, byScore).sort(stable: true);
        Choose(states, byScore.index_select(0, byQuery));
    }

    static void Choose(MetricStates states, Tensor order)
    {
        for (var i = Scores; i <= Queries; i++) states[i].Set(states[i].Value.index_select(0, order));
    }
}

/// <summary>The rankings of all queries, by rising name of the query.</summary>
sealed class Rankings
{
    readonly double[] _scores;
    readonly double[] _relevance;
    readonly long[] _queries;
    readonly List<int> _starts = [];

    public Rankings(MetricStates states)
    {
        RankedDocuments.Sort(states);
        (_scores, _relevance, _queries) = (states[0].ToArray<double>(), states[1].ToArray<double>(), states[2].ToArray<long>());
        for (var i = 0; i < _queries.Length; i++)
            if (i == 0 || _queries[i] != _queries[i - 1]) _starts.Add(i);
        _starts.Add(_queries.Length);
    }

    /// <summary>How many queries there are.</summary>
    public int Count => _starts.Count - 1;

    public Ranking this[int query]
    {
        get
        {
            var (start, count) = (_starts[query], _starts[query + 1] - _starts[query]);
            return new Ranking(_queries[start], _scores.AsSpan(start, count), _relevance.AsSpan(start, count));
        }
    }
}
