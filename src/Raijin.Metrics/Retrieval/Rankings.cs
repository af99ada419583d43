using TorchSharp;

namespace Raijin.Metrics;

/// <summary>The rankings of all queries, by rising name of the query. Valid until the states change.</summary>
readonly ref struct Rankings
{
    readonly ReadOnlySpan<double> _scores;
    readonly ReadOnlySpan<double> _relevance;
    readonly ReadOnlySpan<long> _queries;
    readonly List<int> _starts = [];

    public Rankings(MetricStates states)
    {
        RankedDocuments.Sort(states);
        if (states[0].Value.device_type == DeviceType.CPU)
        {
            _scores = states[0].Span<double>();
            _relevance = states[1].Span<double>();
            _queries = states[2].Span<long>();
        }
        else
        {
            _scores = states[0].ToArray<double>();
            _relevance = states[1].ToArray<double>();
            _queries = states[2].ToArray<long>();
        }
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
            return new Ranking(_queries[start], _scores.Slice(start, count), _relevance.Slice(start, count));
        }
    }
}
