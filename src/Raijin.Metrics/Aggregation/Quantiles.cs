using System.Globalization;
using Raijin.Charts;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Quantiles of everything since the last reset, from a sketch of constant size: a median or a 99th percentile over any number of values, updates and
/// ranks without keeping them.
/// </summary>
/// <remarks>
/// A t-digest (Dunning and Ertl 2019) of K centroids, the fewer values each the nearer to the ends: one holds less than a share of (2π/K)·√(q(1 − q))
/// of all values at the quantile q, 0.6 % in the middle and 0.12 % at 0.01 for K = 512, and what a quantile is off in rank is of that size or less;
/// up to 2K/π values (325) all quantiles are exact. Merging and splitting keep that size, but not the bits. A value of
/// weight w counts like w values. Infinities are treated as NaN is.
/// </remarks>
public sealed class Quantiles : WeightedAggregator<QuantileCurve>, IPlot
{
    readonly MetricState _centroids;
    readonly MetricState _least;
    readonly MetricState _largest;
    readonly double[] _probabilities;
    readonly Digest _digest;

    /// <summary>A sketch of no values.</summary>
    /// <param name="probabilities">Which quantiles <see cref="Metric.ComputeScalars"/> names, <c>p50</c> and so on; null: 0.5, 0.9 and 0.99. The first is the number for logs.</param>
    /// <param name="centroids">K, at least 16: 16 bytes each.</param>
    /// <param name="nan">What happens to values that are not finite.</param>
    public Quantiles(IReadOnlyList<double>? probabilities = null, int centroids = 512, NanPolicy nan = default)
        : base(nan, finiteOnly: true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(centroids, 16);
        _probabilities = probabilities is null ? [0.5, 0.9, 0.99] : [.. probabilities];
        if (_probabilities.Length == 0) throw new ArgumentException("Name at least one quantile.", nameof(probabilities));
        foreach (var probability in _probabilities) QuantileCurve.ThrowIfNoProbability(probability);
        _digest = new Digest(centroids);
        _centroids = Declare("centroids", Reduction.Custom, zeros([2, centroids], ScalarType.Float64), _digest.Merge);
        _least = Declare("least", Reduction.Min, tensor(double.PositiveInfinity));
        _largest = Declare("largest", Reduction.Max, tensor(double.NegativeInfinity));
    }

    /// <inheritdoc/>
    public override QuantileCurve Compute()
    {
        ThrowIfEmpty();
        var centroids = _centroids.ToArray<double>();
        return new(centroids.AsSpan(0, centroids.Length / 2), centroids.AsSpan(centroids.Length / 2), _least.ToArray<double>()[0], _largest.ToArray<double>()[0]);
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute().Quantile(_probabilities[0]);

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var curve = Compute();
        return [.. _probabilities.Select(p => new KeyValuePair<string, double>(string.Create(CultureInfo.InvariantCulture, $"p{100 * p:0.####}"), curve.Quantile(p)))];
    }

    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        var curve = Compute();
        double[] x = [.. Enumerable.Range(0, 201).Select(i => i / 200.0)];
        return new LineChart { Title = title ?? "Quantiles", XLabel = "share of values", YLabel = "value", Curves = [new("", x, [.. x.Select(curve.Quantile)])] };
    }

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        ref var least = ref _least.Span<double>()[0];
        ref var largest = ref _largest.Span<double>()[0];
        foreach (var value in values) (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
        _digest.Add(_centroids.Span<double>(), values, weights);
    }

    private protected override void Add(Tensor values, Tensor weights, Tensor counted)
    {
        _least.Set(minimum(_least.Value, where(counted, values, double.PositiveInfinity).min()));
        _largest.Set(maximum(_largest.Value, where(counted, values, double.NegativeInfinity).max()));
        _centroids.Set(_digest.Merge(_centroids.Value, stack([values, weights])));
    }
}

/// <summary>Values by the share of all that lies below them.</summary>
public sealed class QuantileCurve
{
    readonly double[] _positions;
    readonly double[] _values;

    /// <summary>Centroids stand in the middle of the weight they hold; the ends are the least and the largest value.</summary>
    internal QuantileCurve(ReadOnlySpan<double> means, ReadOnlySpan<double> weights, double least, double largest)
    {
        var (positions, values) = (new List<double> { 0 }, new List<double> { least });
        for (var i = 0; i < means.Length; i++)
        {
            if (weights[i] == 0) continue;
            positions.Add(Weight + weights[i] / 2);
            values.Add(Math.Clamp(means[i], least, largest));
            Weight += weights[i];
        }
        positions.Add(Weight);
        values.Add(largest);
        (_positions, _values, Least, Largest) = ([.. positions], [.. values], least, largest);
    }

    /// <summary>Weight of all values: their number where each weighs 1.</summary>
    public double Weight { get; }

    /// <summary>The least value; infinite of none.</summary>
    public double Least { get; }

    /// <summary>The largest value; negative infinity of none.</summary>
    public double Largest { get; }

    /// <summary>The value below which a share <paramref name="probability"/> of all lies, interpolated linearly (Hazen's definition); NaN of no values.</summary>
    /// <param name="probability">In [0, 1]: 0 gives the least, 1 the largest.</param>
    public double Quantile(double probability)
    {
        ThrowIfNoProbability(probability);
        if (Weight == 0) return double.NaN;
        var position = probability * Weight;
        var at = Array.BinarySearch(_positions, position);
        if (at >= 0) return _values[at];
        at = Math.Min(~at, _positions.Length - 1);
        var (before, after) = (_positions[at - 1], _positions[at]);
        return _values[at - 1] + (_values[at] - _values[at - 1]) * ((position - before) / (after - before));
    }

    internal static void ThrowIfNoProbability(double probability)
    {
        if (!(probability is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(probability), probability, "A quantile's probability is in [0, 1].");
    }
}
