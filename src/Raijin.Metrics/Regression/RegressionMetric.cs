using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How the numbers of several outputs become one.</summary>
public enum OutputAverage
{
    /// <summary>Their mean.</summary>
    Uniform,

    /// <summary>Their mean, each weighted by the variance of its targets; the plain mean where all targets are constant.</summary>
    VarianceWeighted,
}

/// <summary>What metrics of real numbers have in common: one result an output, and their mean.</summary>
/// <remarks>
/// Of one output, predictions and targets have any equal shape [B, ...] and every element counts as a sample; of n they are [B, n]. Any real dtype;
/// sums are float64. Weights, [B], belong to samples: a whole number weighs like so many repetitions. Values that are not finite, and negative
/// weights, are left out and reported by Compute.
/// </remarks>
public abstract class RegressionMetric : ScalarMetric<Comparison>
{
    private protected RegressionMetric(Accumulation<Comparison> accumulation)
        : base(accumulation)
    {
    }

    /// <summary>The result of each output.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    /// <exception cref="MetricInputException">Values came in that can't be counted.</exception>
    public IReadOnlyList<double> PerOutput()
    {
        ThrowIfEmpty();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return PerOutput(States);
    }

    private protected abstract double[] PerOutput(MetricStates states);

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => PerOutput(states).Average();
}
