using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Sum of everything since the last reset, in float64; whole numbers up to 2⁵³ exactly. 0 of no values.</summary>
public sealed class Sum : PlainAggregator<double>
{
    readonly MetricState _sum;

    /// <summary>An empty sum.</summary>
    /// <param name="nan">What happens to NaN.</param>
    public Sum(NanPolicy nan = default)
        : base(nan) => _sum = Declare("sum", Reduction.Sum, zeros([], ScalarType.Float64));

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        return _sum.ToArray<double>()[0];
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights) => _sum.Span<double>()[0] += VectorLoops.Sum(values);

    private protected override void Add(Tensor values, Tensor weights, Tensor counted) => _sum.Value.add_(values.sum());
}
