using System.Globalization;
using Raijin.Metrics;

namespace Raijin;

/// <summary>A metric made of another one: it changes what that is fed, or what becomes of its states. Collections take it as any metric.</summary>
/// <typeparam name="TBatch">What one update is given.</typeparam>
/// <typeparam name="TResult">What it computes.</typeparam>
public abstract class MetricWrapper<TBatch, TResult> : Metric<TResult>, IUpdate<TBatch>, IMember<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    private protected MetricWrapper()
    {
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The wrapper is in a collection or a wrapper, which updates it.</exception>
    public void Update(in TBatch batch)
    {
        ThrowIfJoined();
        Add(in batch);
    }

    void IMember<TBatch>.Update(in TBatch batch) => Add(in batch);

    private protected abstract void Add(in TBatch batch);
}

/// <summary>What wrappers do with the metrics they take over.</summary>
static class Wrapped
{
    /// <summary>Takes a metric over: from now on the wrapper updates, resets and frees it.</summary>
    public static IMember<TBatch> Take<TBatch>(IUpdate<TBatch> metric)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(metric);
        if (metric is not (Metric held and IMember<TBatch> member))
            throw new ArgumentException($"{metric.GetType().Name} is neither one of Raijin's metrics nor derived from Metric<{typeof(TBatch).Name}, TResult>, so a wrapper can't hold it.", nameof(metric));
        held.Hold();
        return member;
    }

    /// <summary>Sets of states such as the metric's own.</summary>
    public static List<MetricStates> Sets<TBatch>(Accumulation<TBatch> accumulation, int count)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        var sets = new List<MetricStates>(count);
        for (var i = 0; i < count; i++) sets.Add(new MetricStates().Declare(accumulation));
        return sets;
    }

    /// <summary>Sets of states under their positions.</summary>
    public static IEnumerable<MetricPart> Parts(IEnumerable<MetricStates> sets) => sets.Select((set, i) => new MetricPart(i.ToString(CultureInfo.InvariantCulture), set));
}
