// Ranks log the same keys, as a rule: then one small sum shows it, and one exchange of states carries every value and every metric. Where one had no batch, or logged
// something else, the keys are first made the same; that costs an exchange of text.
//
// k logged numbers

using System.Text;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Makes what was logged on this rank what was logged on all.</summary>
/// <param name="log">What was logged here; its accumulations stay as they are.</param>
/// <param name="peers">The ranks.</param>
/// <param name="metrics">The module's metrics by their names: where a rank finds one that only others logged.</param>
sealed class EpochReduction(MetricLog log, Peers peers, Func<IEnumerable<(string Name, Metric Metric)>> metrics)
{
    const char Between = '\u0001';

    /// <summary>Adds numbers over all ranks, in place, and sees to it that all logged the same keys.</summary>
    public void Meet(Span<double> sums)
    {
        if (peers.IsAlone) return;
        var (low, high) = Signature();
        Span<double> numbers = [low, (double)low * low, high, (double)high * high, .. sums];
        peers.Sum(numbers);
        numbers[4..].CopyTo(sums);
        // N Σh² = (Σh)² holds exactly where all h are equal.
        if (peers.Size * numbers[1] != numbers[0] * numbers[0] || peers.Size * numbers[3] != numbers[2] * numbers[2]) MakeSame();
    }

    /// <summary>The epoch's values of all ranks, of what was logged in it anywhere; in the order of the first logging here.</summary>
    public List<KeyValuePair<string, double>> Read()
    {
        if (peers.IsAlone) return log.ReadEpoch();
        var values = log.Values;
        var order = values.OrderBy(Describe, StringComparer.Ordinal).ToList();
        using var all = new EpochStates(order);
        using var synchronized = all.Synchronize(peers.States());
        var read = new List<KeyValuePair<string, double>>(values.Count);
        foreach (var value in values)
        {
            if (value.Metric is not null)
            {
                if (value.HasValue) value.ReadEpoch(read);
            }
            else if (all.Of(order.IndexOf(value)) is { } number)
            {
                read.Add(new(value.Key, number));
            }
        }
        return read;
    }

    string Describe(LoggedValue value) => $"{value.Key}{Between}{(value.Metric is { } metric ? NameOf(metric) : value.Reduce.ToString())}";

    string NameOf(Metric metric) => $"metric{Between}{metrics().FirstOrDefault(m => ReferenceEquals(m.Metric, metric)).Name ?? $"?{metric.GetType().Name}"}";

    (ushort Low, ushort High) Signature()
    {
        var hash = 2166136261u;
        foreach (var text in log.Values.Select(Describe).Order(StringComparer.Ordinal))
            foreach (var c in text) hash = (hash ^ c) * 16777619u;
        return ((ushort)hash, (ushort)(hash >> 16));
    }

    void MakeSame()
    {
        var mine = log.Values.Select(Describe).ToHashSet(StringComparer.Ordinal);
        var lines = new StringBuilder();
        foreach (var text in mine) lines.Append(text).Append('\n');
        foreach (var text in peers.Gather(lines.ToString()).SelectMany(t => t.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Distinct(StringComparer.Ordinal))
            if (mine.Add(text)) Adopt(text.Split(Between));
        log.BeginStep();
    }

    void Adopt(string[] described)
    {
        if (described is [var key, var reduce])
        {
            log.Declare(key, Enum.Parse<Reduce>(reduce));
            return;
        }
        var (metricKey, name) = (described[0], described[2]);
        if (metrics().FirstOrDefault(m => m.Name == name).Metric is not { } metric)
            throw new InvalidOperationException($"Another rank logged the metric {name} under \"{metricKey}\", and rank {peers.Rank}, which did not, can't find it: keep it in a field of the module.");
        if (metricKey.Length == 0) log.Add(metric, -1);
        else log.Add(metricKey, metric, -1);
    }
}

/// <summary>The numbers and metrics of a log as one metric, so that they cross together.</summary>
sealed class EpochStates : Metric
{
    readonly IReadOnlyList<LoggedValue> _values;
    readonly MetricState _sums;
    readonly MetricState _lows;
    readonly MetricState _highs;
    readonly MetricState _lasts;

    public EpochStates(IReadOnlyList<LoggedValue> values)
    {
        _values = values;
        var k = values.Count;
        var sums = new double[k * 2];
        var lows = new double[k];
        var highs = new double[k];
        var lasts = new double[k * 2];
        for (var i = 0; i < k; i++)
        {
            (lows[i], highs[i]) = (double.PositiveInfinity, double.NegativeInfinity);
            if (values[i].Metric is not null || !values[i].HasValue) continue;
            var (accumulated, weight, _) = values[i].Save();
            sums[(2 * i) + 1] = weight;
            switch (values[i].Reduce)
            {
                case Reduce.Mean or Reduce.Sum: sums[2 * i] = accumulated; break;
                case Reduce.Min: lows[i] = accumulated; break;
                case Reduce.Max: highs[i] = accumulated; break;
                case Reduce.Last: (lasts[2 * i], lasts[(2 * i) + 1]) = (1, accumulated); break;
            }
        }
        using var scope = NewDisposeScope();
        _sums = AddState("sums", Reduction.Sum, tensor(sums));          // [2k]: accumulation, weight
        _lows = AddState("lows", Reduction.Min, tensor(lows));          // [k]
        _highs = AddState("highs", Reduction.Max, tensor(highs));       // [k]
        _lasts = AddState("lasts", Reduction.Custom, tensor(lasts), First); // [2k]: whether there is one, value
    }

    /// <inheritdoc/>
    public override IEnumerable<MetricPart> Parts()
    {
        yield return new("", States);
        var seen = new HashSet<MetricStates>(ReferenceEqualityComparer.Instance);
        var metrics = new HashSet<Metric>(ReferenceEqualityComparer.Instance);
        foreach (var (index, value) in _values.Index())
        {
            if (value.Metric is not { } logged) continue;
            foreach (var source in logged.Sources())
            {
                if (!metrics.Add(source)) continue;
                foreach (var part in source.Parts())
                    if (seen.Add(part.States)) yield return new($"{index}/{part.Path}", part.States);
            }
        }
    }

    /// <summary>A number of all ranks; null where none logged it.</summary>
    public double? Of(int index)
    {
        var sums = _sums.ToArray<double>();
        var weight = sums[(2 * index) + 1];
        if (weight == 0) return null;
        return _values[index].Reduce switch
        {
            Reduce.Mean => sums[2 * index] / weight,
            Reduce.Sum => sums[2 * index],
            Reduce.Min => _lows.ToArray<double>()[index],
            Reduce.Max => _highs.ToArray<double>()[index],
            _ => _lasts.ToArray<double>()[(2 * index) + 1],
        };
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => throw new NotSupportedException("These are many numbers: ask for each.");

    // The lowest rank that has one.
    static Tensor First(Tensor a, Tensor b)
    {
        var pairs = a.reshape(-1, 2);
        return where(pairs.select(1, 0).gt(0).unsqueeze(1), pairs, b.reshape(-1, 2)).reshape(-1);
    }
}
