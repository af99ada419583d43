using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The least value since the last reset, as float64. Infinite of no values.</summary>
public sealed class Min : PlainAggregator<double>
{
    readonly MetricState _least;

    /// <summary>An empty minimum.</summary>
    /// <param name="nan">What happens to NaN.</param>
    public Min(NanPolicy nan = default)
        : base(nan) => _least = Declare("least", Reduction.Min, tensor(double.PositiveInfinity));

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        return _least.ToArray<double>()[0];
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        ref var least = ref _least.Span<double>()[0];
        foreach (var value in values) least = Math.Min(least, value);
    }

    private protected override void Add(Tensor values, Tensor weights, Tensor counted) =>
        _least.Set(minimum(_least.Value, where(counted, values, double.PositiveInfinity).min()));
}

/// <summary>The largest value since the last reset, as float64. Negative infinity of no values.</summary>
public sealed class Max : PlainAggregator<double>
{
    readonly MetricState _largest;

    /// <summary>An empty maximum.</summary>
    /// <param name="nan">What happens to NaN.</param>
    public Max(NanPolicy nan = default)
        : base(nan) => _largest = Declare("largest", Reduction.Max, tensor(double.NegativeInfinity));

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        return _largest.ToArray<double>()[0];
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        ref var largest = ref _largest.Span<double>()[0];
        foreach (var value in values) largest = Math.Max(largest, value);
    }

    private protected override void Add(Tensor values, Tensor weights, Tensor counted) =>
        _largest.Set(maximum(_largest.Value, where(counted, values, double.NegativeInfinity).max()));
}
