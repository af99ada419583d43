using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Weighted mean of everything since the last reset: Σ w·x / Σ w, accumulated in float64.</summary>
public sealed class Mean : Metric<double>
{
    readonly MetricState _sum;
    readonly MetricState _weight;

    /// <summary>An empty mean.</summary>
    public Mean()
    {
        _sum = AddState("sum", Reduction.Sum, zeros([], ScalarType.Float64));
        _weight = AddState("weight", Reduction.Sum, zeros([], ScalarType.Float64));
    }

    /// <summary>Adds every element of a tensor, each with the same weight. No value is read back.</summary>
    /// <param name="values">Any shape, any real dtype; borrowed.</param>
    /// <param name="weight">Weight of each element; not negative.</param>
    public void Update(Tensor values, double weight = 1.0)
    {
        TensorGuard.ThrowIfFreed(values);
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        BeginUpdate(values.device);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        _sum.Value.add_(values.sum(ScalarType.Float64) * weight);
        _weight.Value.add_(weight * values.NumberOfElements);
    }

    /// <summary>Adds one number.</summary>
    public void Update(double value, double weight = 1.0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        BeginUpdate(_sum.Value.device);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        _sum.Value.add_(value * weight);
        _weight.Value.add_(weight);
    }

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        return _sum.Value.item<double>() / _weight.Value.item<double>();
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();
}
