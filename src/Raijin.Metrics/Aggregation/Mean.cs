using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Weighted mean of everything since the last reset: Σ w·x / Σ w, accumulated in float64. NaN of no values.</summary>
public sealed class Mean : WeightedAggregator<double>
{
    readonly MetricState _sum;
    readonly MetricState _weight;

    /// <summary>An empty mean.</summary>
    /// <param name="nan">What happens to NaN.</param>
    public Mean(NanPolicy nan = default)
        : base(nan)
    {
        _sum = Declare("sum", Reduction.Sum, zeros([], ScalarType.Float64));
        _weight = Declare("weight", Reduction.Sum, zeros([], ScalarType.Float64));
    }

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        return _sum.ToArray<double>()[0] / _weight.ToArray<double>()[0];
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        _sum.Span<double>()[0] += VectorLoops.Dot(values, weights);
        _weight.Span<double>()[0] += VectorLoops.Sum(weights);
    }

    private protected override void Add(Tensor values, Tensor weights, Tensor counted)
    {
        _sum.Value.add_((values * weights).sum());
        _weight.Value.add_(weights.sum());
    }
}
