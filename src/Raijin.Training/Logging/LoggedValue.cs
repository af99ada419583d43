using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>
/// Everything logged under one key (a collection of metrics may have none: its numbers have names of their own): the step's value and the epoch's accumulation, in float64. A value on the CPU is read where it lies; one on
/// another device is held, detached, and read back together with its neighbours only when somebody asks. So logging never waits for a device.
/// </summary>
sealed class LoggedValue(string key, Reduce reduce)
{
    // Held device values are folded on the device beyond this many, so that a long epoch nobody reads holds few tensors.
    const int MaxHeld = 256;

    readonly List<(Tensor Value, double Weight)> _held = [];
    Metric? _metric;
    double _accumulated;
    double _weight;

    public string Key { get; } = key;

    public Reduce Reduce { get; } = reduce;

    public Metric? Metric => _metric;

    /// <summary>The last value known to the host; NaN before the first.</summary>
    public double Last { get; private set; } = double.NaN;

    /// <summary>The run's step at which a value was last logged.</summary>
    public long LoggedAt { get; private set; } = -1;

    public bool HasValue => _metric is { Updates: > 0 } || _weight > 0 || _held.Count > 0;

    public void Add(double value, double weight, long step)
    {
        Fold(value, weight);
        LoggedAt = step;
    }

    public void Add(Tensor value, double weight, long step)
    {
        if (ScalarReader.TryRead(value, out var number)) Fold(number, weight);
        else Hold(value, weight);
        LoggedAt = step;
    }

    public void Follow(Metric metric, long step)
    {
        _metric = metric;
        LoggedAt = step;
    }

    /// <summary>The step's value, read back if it is still on a device.</summary>
    public double ReadStep()
    {
        ReadBack();
        return Last;
    }

    /// <summary>Adds the epoch's value; of a metric with several numbers each, by the key and its own name.</summary>
    public void ReadEpoch(List<KeyValuePair<string, double>> into)
    {
        if (_metric is not null)
        {
            foreach (var (name, value) in _metric.ComputeScalars()) into.Add(new(NameOf(name), Last = value));
            return;
        }
        into.Add(new(Key, ReadAccumulated()));
    }

    /// <summary>The epoch's value so far, of a key that follows no metric.</summary>
    public double ReadAccumulated()
    {
        ReadBack();
        return Reduce == Reduce.Mean ? _accumulated / _weight : _accumulated;
    }

    string NameOf(string number) => number.Length == 0 ? Key : Key.Length == 0 ? number : $"{Key}/{number}";

    /// <summary>Starts the next epoch: nothing is accumulated, the metric followed is reset.</summary>
    public void Reset()
    {
        ReadBack();
        _accumulated = 0;
        _weight = 0;
        _metric?.Reset();
    }

    /// <summary>What a checkpoint keeps of the accumulation.</summary>
    public (double Accumulated, double Weight, double Last) Save()
    {
        ReadBack();
        return (_accumulated, _weight, Last);
    }

    /// <summary>Takes over what a checkpoint kept, on top of what is there.</summary>
    public void Load(double accumulated, double weight, double last)
    {
        Last = last;
        if (weight == 0) return;
        _accumulated = _weight == 0 ? accumulated : Reduce switch
        {
            Reduce.Mean or Reduce.Sum => _accumulated + accumulated,
            Reduce.Min => Math.Min(_accumulated, accumulated),
            Reduce.Max => Math.Max(_accumulated, accumulated),
            _ => accumulated,
        };
        _weight += weight;
    }

    void Fold(double value, double weight)
    {
        Last = value;
        if (_weight == 0) _accumulated = Reduce is Reduce.Mean ? value * weight : value;
        else
            _accumulated = Reduce switch
            {
                Reduce.Mean => _accumulated + value * weight,
                Reduce.Sum => _accumulated + value,
                Reduce.Min => Math.Min(_accumulated, value),
                Reduce.Max => Math.Max(_accumulated, value),
                _ => value,
            };
        _weight += weight;
    }

    void Hold(Tensor value, double weight)
    {
        if (value.NumberOfElements != 1)
            ShapeMismatchException.Throw(Key, "one number to log", $"[{string.Join(", ", value.shape)}]", "Log its mean, or an element.");
        using (no_grad()) _held.Add((value.detach().DetachFromDisposeScope(), weight));
        if (_held.Count >= MaxHeld) ReadBack();
    }

    void ReadBack()
    {
        if (_held.Count == 0) return;
        using (no_grad())
        using (NewDisposeScope())
        {
            var numbers = stack(_held.Select(h => h.Value.reshape([]).to(ScalarType.Float32))).cpu().data<float>().ToArray();
            for (var i = 0; i < numbers.Length; i++) Fold(numbers[i], _held[i].Weight);
        }
        foreach (var (value, _) in _held) value.Dispose();
        _held.Clear();
    }
}
