using System.Text.Json.Nodes;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What the steps of one phase log. Keys are interned once; a step that logs the same keys in the same order finds each by one comparison.</summary>
sealed class MetricLog
{
    readonly Dictionary<string, LoggedValue> _byKey = new(StringComparer.Ordinal);
    LoggedValue[] _values = [];
    int _next;

    /// <summary>The values in the order of their first logging. A thread that shows progress may read it at any time.</summary>
    public IReadOnlyList<LoggedValue> Values => Volatile.Read(ref _values);

    /// <summary>A new step begins: its first key is expected first again.</summary>
    public void BeginStep() => _next = 0;

    public void Add(string key, Tensor value, double weight, long step, Reduce reduce) => Find(key, reduce).Add(value, weight, step);

    public void Add(string key, double value, double weight, long step, Reduce reduce) => Find(key, reduce).Add(value, weight, step);

    public void Add(string key, Metric metric, long step) => Find(key, Reduce.Last).Follow(metric, step);

    /// <summary>A metric whose numbers have names of their own.</summary>
    public void Add(Metric metric, long step) => FindUnnamed(metric).Follow(metric, step);

    /// <summary>A number that other ranks logged.</summary>
    public void Declare(string key, Reduce reduce) => FindByName(key, reduce);

    /// <summary>The values logged at this very step.</summary>
    public List<KeyValuePair<string, double>> ReadStep(long step)
    {
        var read = new List<KeyValuePair<string, double>>(_values.Length);
        foreach (var value in _values)
            if (value.Metric is null && value.LoggedAt == step) read.Add(new(value.Key, value.ReadStep()));
        return read;
    }

    /// <summary>The epoch's values, of what was logged in it.</summary>
    public List<KeyValuePair<string, double>> ReadEpoch()
    {
        var read = new List<KeyValuePair<string, double>>(_values.Length);
        foreach (var value in _values)
            if (value.HasValue) value.ReadEpoch(read);
        return read;
    }

    public void Reset()
    {
        foreach (var value in _values) value.Reset();
    }

    /// <summary>What a checkpoint keeps: accumulations, and which metric stands under which key.</summary>
    /// <param name="nameOf">A metric's name in the checkpoint; null for one that is not kept.</param>
    public JsonArray Save(Func<Metric, string?> nameOf)
    {
        var saved = new JsonArray();
        foreach (var value in _values)
        {
            if (value.Metric is { } metric)
            {
                if (nameOf(metric) is { } name) saved.Add(new JsonObject { ["key"] = value.Key, ["metric"] = name });
                continue;
            }
            var (accumulated, weight, last) = value.Save();
            saved.Add(new JsonObject
            {
                ["key"] = value.Key,
                ["reduce"] = value.Reduce.ToString(),
                // Bits, not digits: a resumed mean must be the same to the last bit, NaN and infinity included.
                ["accumulated"] = BitConverter.DoubleToInt64Bits(accumulated),
                ["weight"] = BitConverter.DoubleToInt64Bits(weight),
                ["last"] = BitConverter.DoubleToInt64Bits(last),
            });
        }
        return saved;
    }

    /// <summary>Takes over what a checkpoint kept; what several ranks of another world kept, one after another.</summary>
    public void Load(JsonArray saved, IReadOnlyDictionary<string, Metric> metrics)
    {
        foreach (var item in saved)
        {
            if (item!["metric"] is { } name)
            {
                if (!metrics.TryGetValue((string)name!, out var metric)) continue;
                var key = (string)item["key"]!;
                if (key.Length == 0) Add(metric, -1);
                else Add(key, metric, -1);
                continue;
            }
            var value = Find((string)item!["key"]!, Enum.Parse<Reduce>((string)item["reduce"]!));
            value.Load(Bits(item, "accumulated"), Bits(item, "weight"), Bits(item, "last"));
        }
        BeginStep();

        static double Bits(JsonNode item, string name) => BitConverter.Int64BitsToDouble((long)item[name]!);
    }

    LoggedValue Find(string key, Reduce reduce)
    {
        var values = _values;
        var at = _next;
        if (at < values.Length && ReferenceEquals(values[at].Key, key))
        {
            _next = at + 1;
            return values[at];
        }
        return FindByName(key, reduce);
    }

    LoggedValue FindByName(string key, Reduce reduce)
    {
        if (!_byKey.TryGetValue(key, out var value))
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(key);
            value = new LoggedValue(string.Intern(key), reduce);
            _byKey.Add(value.Key, value);
            Volatile.Write(ref _values, [.. _values, value]);
        }
        _next = Array.IndexOf(_values, value) + 1;
        return value;
    }

    LoggedValue FindUnnamed(Metric metric)
    {
        var values = _values;
        for (var i = 0; i < values.Length; i++)
        {
            // The expected one first.
            var at = (_next + i) % values.Length;
            if (values[at].Key.Length > 0 || !ReferenceEquals(values[at].Metric, metric)) continue;
            _next = at + 1;
            return values[at];
        }
        var added = new LoggedValue("", Reduce.Last);
        Volatile.Write(ref _values, [.. values, added]);
        _next = values.Length + 1;
        return added;
    }
}
