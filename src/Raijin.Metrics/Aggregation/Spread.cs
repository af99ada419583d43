// Moments [Σ w, mean, Σ w (x − mean)²] in one packed state, combined by Chan, Golub & LeVeque 1983; nothing cancels, whatever the mean.

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Variance of everything since the last reset, Σ w (x − x̄)² / (Σ w − c). NaN where Σ w is not above c. Infinities are treated as NaN is.</summary>
/// <param name="correction">c: 1 estimates the variance of what values were drawn from, 0 is that of the values themselves. Weights count as repetitions.</param>
/// <param name="nan">What happens to values that are not finite.</param>
public sealed class Variance(double correction = 1, NanPolicy nan = default) : SpreadAggregator(correction, nan)
{
    /// <inheritdoc/>
    public override double Compute() => ComputeVariance();
}

/// <summary>Standard deviation of everything since the last reset, the root of <see cref="Variance"/>.</summary>
/// <inheritdoc cref="Variance"/>
public sealed class StandardDeviation(double correction = 1, NanPolicy nan = default) : SpreadAggregator(correction, nan)
{
    /// <inheritdoc/>
    public override double Compute() => Math.Sqrt(ComputeVariance());
}

/// <summary>What variance and standard deviation have in common.</summary>
public abstract class SpreadAggregator : WeightedAggregator<double>
{
    readonly MetricState _moments;
    readonly double _correction;

    private protected SpreadAggregator(double correction, NanPolicy nan)
        : base(nan, finiteOnly: true)
    {
        if (!(correction >= 0)) throw new ArgumentOutOfRangeException(nameof(correction), correction, "A correction is not negative.");
        _correction = correction;
        _moments = Declare("moments", Reduction.Custom, zeros([3], ScalarType.Float64), Combine);
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected double ComputeVariance()
    {
        ThrowIfEmpty();
        var moments = _moments.ToArray<double>();
        return moments[0] > _correction ? moments[2] / (moments[0] - _correction) : double.NaN;
    }

    private protected sealed override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        var (weight, sum, from) = (0.0, 0.0, values[0]);
        for (var i = 0; i < values.Length; i++)
        {
            weight += weights[i];
            sum += weights[i] * (values[i] - from);
        }
        var (mean, squares) = (from + sum / weight, 0.0);
        for (var i = 0; i < values.Length; i++) squares += weights[i] * (values[i] - mean) * (values[i] - mean);
        var moments = _moments.Span<double>();
        var (off, share) = (mean - moments[1], weight / (moments[0] + weight));
        moments[2] += squares + off * off * moments[0] * share;
        moments[1] += off * share;
        moments[0] += weight;
    }

    private protected sealed override void Add(Tensor values, Tensor weights, Tensor counted)
    {
        var weight = weights.sum();
        var mean = where(weight.gt(0), (weights * values).sum() / weight, 0.0);
        _moments.Set(Combine(_moments.Value, stack([weight, mean, (weights * (values - mean).square()).sum()])));
    }

    static Tensor Combine(Tensor a, Tensor b)
    {
        var weight = a[0] + b[0];
        var share = where(weight.gt(0), b[0] / weight, 0.0);
        var off = b[1] - a[1];
        return stack([weight, a[1] + off * share, a[2] + b[2] + off.square() * a[0] * share]);
    }
}
