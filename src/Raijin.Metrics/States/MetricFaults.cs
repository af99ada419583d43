// Values that can't be counted (a label out of range, a probability of 1.2) are left out and noted here, on the device, so that no update
// waits for it; Compute reads the note and refuses. K kinds of fault; row k: how many values, and the first of them.

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>What was wrong with the values that came in: for each kind, how many and the first of them. Part of the states, so merged and saved with them.</summary>
public sealed class MetricFaults
{
    readonly MetricState _state;
    readonly string[] _expectations;

    internal MetricFaults(MetricState state, string[] expectations) => (_state, _expectations) = (state, expectations);

    /// <summary>Whether a fault is reported by the update that meets it instead of by Compute: for debugging, since every update then waits for its device.</summary>
    /// <value>Default false.</value>
    public bool AtOnce { get; set; }

    /// <summary>Notes values found by a kernel of the host.</summary>
    /// <param name="kind">Position of the expectation they miss, in the order of declaration.</param>
    /// <param name="count">How many; 0 does nothing.</param>
    /// <param name="first">The first of them.</param>
    /// <exception cref="MetricInputException">There are some, and <see cref="AtOnce"/> is set.</exception>
    public void Note(int kind, long count, double first)
    {
        if (count == 0) return;
        var row = _state.Span<double>().Slice(2 * kind, 2);
        if (row[0] == 0) row[1] = first;
        row[0] += count;
        if (AtOnce) MetricInputException.Throw(_expectations[kind], count, first);
    }

    /// <summary>Notes values on any device. Nothing is read back, unless <see cref="AtOnce"/> is set; runs in the caller's scope.</summary>
    /// <param name="kind">Position of the expectation they miss.</param>
    /// <param name="wrong">True where a value misses it, any shape with at least one element, bool; borrowed.</param>
    /// <param name="values">The values, of the same shape; borrowed.</param>
    /// <exception cref="MetricInputException">There are some, and <see cref="AtOnce"/> is set.</exception>
    public void Note(int kind, Tensor wrong, Tensor values)
    {
        if (wrong.NumberOfElements == 0) return;
        var flat = wrong.reshape(-1);
        var count = flat.sum(ScalarType.Float64);
        var first = values.reshape(-1).index_select(0, flat.to(ScalarType.Byte).argmax().reshape(1)).to(ScalarType.Float64).reshape([]);
        var row = _state.Value.select(0, kind);
        var known = row.select(0, 0).gt(0);
        row.select(0, 1).copy_(where(known.logical_or(count.eq(0)), row.select(0, 1), first));
        row.select(0, 0).add_(count);
        if (AtOnce && (long)count.item<double>() is > 0 and var found) MetricInputException.Throw(_expectations[kind], found, first.item<double>());
    }

    /// <summary>Refuses to go on if anything was noted. Waits for the device.</summary>
    /// <exception cref="MetricInputException">Something was; the first kind that has any is named.</exception>
    public void ThrowIfAny()
    {
        var rows = _state.ToArray<double>();
        for (var kind = 0; kind < _expectations.Length; kind++)
            if (rows[2 * kind] > 0) MetricInputException.Throw(_expectations[kind], (long)rows[2 * kind], rows[2 * kind + 1]);
    }

    internal static Tensor Combine(Tensor a, Tensor b)
    {
        var count = a.select(1, 0) + b.select(1, 0);
        return stack([count, where(a.select(1, 0).gt(0), a.select(1, 1), b.select(1, 1))], 1);
    }
}
