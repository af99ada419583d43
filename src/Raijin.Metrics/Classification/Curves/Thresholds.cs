using System.Collections;
using System.Runtime.CompilerServices;

namespace Raijin;

/// <summary>
/// Thresholds of a binned curve: <c>thresholds: 101</c> for so many from 0 to 1 in equal steps, <c>thresholds: [0.1, 0.5, 0.9]</c> for these. Binned curves
/// cost memory for thresholds only, whatever is accumulated, and are exact at them: a score equal to a threshold is called positive there.
/// </summary>
/// <remarks>Scores are compared with a threshold in their own precision: to float32 scores 0.1 is the float nearest to it.</remarks>
[CollectionBuilder(typeof(Thresholds), nameof(Of))]
public sealed class Thresholds : IReadOnlyList<double>, IEquatable<Thresholds>
{
    readonly double[] _values;

    Thresholds(double[] values) => _values = values;

    /// <inheritdoc/>
    public int Count => _values.Length;

    /// <inheritdoc/>
    public double this[int index] => _values[index];

    /// <summary>Thresholds of one's own.</summary>
    /// <param name="values">In [0, 1], any order, at least one.</param>
    public static Thresholds Of(params ReadOnlySpan<double> values)
    {
        if (values.Length == 0) throw new ArgumentException("A binned curve needs at least one threshold; null makes it exact.", nameof(values));
        foreach (var value in values)
            if (value is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(values), value, "A threshold is a probability, in [0, 1].");
        var sorted = values.ToArray();
        Array.Sort(sorted);
        return new([.. sorted.Distinct()]);
    }

    /// <summary>0, 1 / (n - 1), … 1.</summary>
    /// <param name="count">n, at least 2.</param>
    public static Thresholds Uniform(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        return new([.. Enumerable.Range(0, count).Select(i => (double)i / (count - 1))]);
    }

    /// <inheritdoc cref="Uniform"/>
    public static implicit operator Thresholds(int count) => Uniform(count);

    /// <inheritdoc/>
    public IEnumerator<double> GetEnumerator() => ((IEnumerable<double>)_values).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _values.GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Thresholds? other) => other is not null && _values.AsSpan().SequenceEqual(other._values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Thresholds);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_values.Length, _values[0], _values[^1]);
}
