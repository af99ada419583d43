using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Everything since the last reset, one after the other: [N]. Its number for logs is the mean.</summary>
public sealed class Cat : PlainAggregator<Tensor>
{
    readonly MetricState _values;

    /// <summary>No values yet.</summary>
    /// <param name="dtype">In which they are kept, floating.</param>
    /// <param name="nan">What happens to NaN.</param>
    public Cat(ScalarType dtype = ScalarType.Float32, NanPolicy nan = default)
        : base(nan)
    {
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Values are kept in a floating dtype.");
        _values = Declare("values", Reduction.Concatenate, zeros([0], dtype));
    }

    /// <summary>The values; the caller owns the tensor.</summary>
    public override Tensor Compute()
    {
        ThrowIfEmpty();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        // Other devices could not leave NaN out without waiting.
        var kept = Nan.Ignores ? _values.Value[_values.Value.isnan().logical_not()] : _values.Value.clone();
        return kept.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override double ComputeScalar()
    {
        using var values = Compute();
        using var mean = values.mean([], type: ScalarType.Float64);
        return mean.item<double>();
    }

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        using var rows = tensor(values.ToArray());
        _values.Append(rows);
    }

    private protected override void Add(Tensor values, Tensor weights, Tensor counted) => _values.Append(where(counted, values, double.NaN));
}
