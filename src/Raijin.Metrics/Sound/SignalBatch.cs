using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Signals that are judged by themselves, without a target.</summary>
/// <param name="Signals">[B, …, T], real; borrowed.</param>
/// <param name="Weights">How much each recording counts, [B], not negative; null: 1 each. Borrowed.</param>
public readonly record struct SignalBatch(Tensor Signals, Tensor? Weights = null) : IMetricBatch<SignalBatch>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Signals;

    /// <inheritdoc/>
    public long Count => Signals.shape[0];

    /// <inheritdoc/>
    public SignalBatch Select(Tensor indices)
    {
        var chosen = indices.to(Signals.device);
        return new(Signals.index_select(0, chosen), Weights?.index_select(0, chosen));
    }
}

/// <summary>Updates from signals as they come.</summary>
public static class SignalUpdates
{
    /// <summary>Accumulates signals.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="signals">[B, …, T], real; borrowed.</param>
    /// <param name="weights">How much each recording counts, [B], not negative; null: 1 each. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is another; nothing was changed.</exception>
    public static void Update(this IUpdate<SignalBatch> metric, Tensor signals, Tensor? weights = null) => metric.Update(new SignalBatch(signals, weights));

    /// <summary>The metric of these signals alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<SignalBatch, TResult> metric, Tensor signals, Tensor? weights = null) => metric.Of(new SignalBatch(signals, weights));
}
