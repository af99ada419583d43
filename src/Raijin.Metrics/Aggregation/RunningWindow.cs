// The window is [W, 2], sums beside weights, the newest update in row 0: two of them merge by addition, newest with newest.

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Weighted mean over the values of the last updates. NaN of no values.</summary>
/// <remarks>Merged with another it is the mean over the last updates of both, as of ranks that step together.</remarks>
public sealed class RunningMean : WeightedAggregator<double>
{
    readonly MetricState _window;

    /// <summary>An empty window.</summary>
    /// <param name="window">How many updates it spans.</param>
    /// <param name="nan">What happens to NaN.</param>
    public RunningMean(int window = 5, NanPolicy nan = default)
        : base(nan) => _window = Declare("window", Reduction.Sum, RunningWindow.Empty(window));

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        var (sum, weight) = RunningWindow.Total(_window);
        return sum / weight;
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected override void Begin() => RunningWindow.Shift(_window);

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights) => RunningWindow.Add(_window, values, weights);

    private protected override void Add(Tensor values, Tensor weights, Tensor counted) => RunningWindow.Add(_window, values, weights);
}

/// <summary>Sum of the values of the last updates. 0 of no values.</summary>
/// <remarks>Merged with another it is the sum over the last updates of both, as of ranks that step together.</remarks>
public sealed class RunningSum : PlainAggregator<double>
{
    readonly MetricState _window;

    /// <summary>An empty window.</summary>
    /// <param name="window">How many updates it spans.</param>
    /// <param name="nan">What happens to NaN.</param>
    public RunningSum(int window = 5, NanPolicy nan = default)
        : base(nan) => _window = Declare("window", Reduction.Sum, RunningWindow.Empty(window));

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        return RunningWindow.Total(_window).Sum;
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();

    private protected override void Begin() => RunningWindow.Shift(_window);

    private protected override void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights) => RunningWindow.Add(_window, values, weights);

    private protected override void Add(Tensor values, Tensor weights, Tensor counted) => RunningWindow.Add(_window, values, weights);
}

static class RunningWindow
{
    public static Tensor Empty(int window)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        return zeros([window, 2], ScalarType.Float64);
    }

    public static void Shift(MetricState window)
    {
        if (window.Value.device_type == TorchSharp.DeviceType.CPU)
        {
            var updates = window.Span<double>();
            updates[..^2].CopyTo(updates[2..]);
            updates[..2].Clear();
            return;
        }
        var rows = window.Value.shape[0];
        window.Set(cat([zeros([1, 2], ScalarType.Float64, window.Value.device), window.Value.narrow(0, 0, rows - 1)]));
    }

    public static void Add(MetricState window, ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        var newest = window.Span<double>();
        newest[0] += VectorLoops.Dot(values, weights);
        newest[1] += VectorLoops.Sum(weights);
    }

    public static void Add(MetricState window, Tensor values, Tensor weights) =>
        window.Value.select(0, 0).add_(stack([(values * weights).sum(), weights.sum()]));

    public static (double Sum, double Weight) Total(MetricState window)
    {
        var (sum, weight, values) = (0.0, 0.0, window.ToArray<double>());
        for (var i = 0; i < values.Length; i += 2)
        {
            sum += values[i];
            weight += values[i + 1];
        }
        return (sum, weight);
    }
}
