using Raijin.Metrics;

namespace Raijin;

/// <summary>A metric over the last updates only: it holds a set of states for each and merges them to compute.</summary>
/// <remarks>
/// Memory and the time of Compute grow with the window; an update costs what the metric's costs. Merged or synchronized with another, the newest update of both
/// becomes one, and so on back. What the wrapped metric itself holds stays empty: ask the wrapper.
/// </remarks>
/// <typeparam name="TBatch">What one update is given.</typeparam>
/// <typeparam name="TResult">What the metric computes.</typeparam>
public sealed class Running<TBatch, TResult> : MetricWrapper<TBatch, TResult>
    where TBatch : struct, IMetricBatch<TBatch>
{
    readonly Metric<TBatch, TResult> _metric;
    readonly List<MetricStates> _window;        // oldest first, empty ones before all

    /// <summary>A metric over the last <paramref name="window"/> updates.</summary>
    /// <param name="metric">A metric that has not accumulated anything. Taken over.</param>
    /// <param name="window">How many updates count.</param>
    public Running(Metric<TBatch, TResult> metric, int window)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        Wrapped.Take(metric);
        _metric = metric;
        _window = Wrapped.Sets(metric.Accumulation, window);
    }

    /// <summary>How many updates count.</summary>
    public int Window => _window.Count;

    /// <summary>How many updates the window holds.</summary>
    public override long Updates => _window.Sum(u => u.Updates);

    /// <inheritdoc/>
    public override bool? HigherIsBetter => _metric.HigherIsBetter;

    /// <inheritdoc/>
    public override bool? HigherIsBetterOf(string number) => _metric.HigherIsBetterOf(number);

    /// <summary>Each update in the window, the oldest first.</summary>
    public override IEnumerable<MetricPart> Parts() => Wrapped.Parts(_window);

    /// <inheritdoc/>
    public override TResult Compute() => OnWindow(_metric.Compute);

    /// <inheritdoc/>
    public override double ComputeScalar() => OnWindow(_metric.ComputeScalar);

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars() => OnWindow(_metric.ComputeScalars);

    private protected override void Add(in TBatch batch)
    {
        _metric.Accumulation.Check(in batch);
        var oldest = _window[0];
        oldest.Reset();
        _window.RemoveAt(0);
        _window.Add(oldest);
        _metric.Accumulation.Update(oldest, in batch);
    }

    T OnWindow<T>(Func<T> question)
    {
        ThrowIfDisposed();
        using var merged = new MetricStates().Declare(_metric.Accumulation);
        foreach (var update in _window)
        {
            if (update.Updates == 0) continue;
            // Where the states are, there they are merged.
            if (merged.Updates == 0) foreach (var (state, like) in merged.Zip(update)) state.MoveTo(like.Value);
            merged.Merge(update);
        }
        return _metric.On(merged, question);
    }

    /// <inheritdoc/>
    protected override void DisposeParts()
    {
        foreach (var update in _window) update.Dispose();
        _metric.Dispose();
    }
}
