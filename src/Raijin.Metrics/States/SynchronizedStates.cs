using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>While it is open, a metric holds what all ranks have accumulated; disposed, it holds its own again.</summary>
public sealed class SynchronizedStates : IDisposable
{
    readonly List<(MetricState State, MetricState.Held Own)> _own = [];
    readonly List<(MetricStates Part, long Updates)> _updates = [];

    internal SynchronizedStates(Metric metric, StateTransport transport, CancellationToken cancellation)
    {
        var parts = metric.Parts().ToList();
        if (transport.WorldSize == 1 || parts.Count == 0) return;
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var (values, updates) = new StatePack(parts, transport).Reduce(cancellation);
        var next = 0;
        foreach (var (index, part) in parts.Index())
        {
            foreach (var state in part.States) _own.Add((state, state.Exchange(values[next++])));
            _updates.Add((part.States, part.States.Updates));
            part.States.Updates = updates[index];
            part.States.IsSynchronized = true;
        }
    }

    /// <summary>Gives the metric its own states back.</summary>
    public void Dispose()
    {
        foreach (var (state, own) in _own) state.PutBack(own);
        foreach (var (part, updates) in _updates)
        {
            part.Updates = updates;
            part.IsSynchronized = false;
        }
        _own.Clear();
        _updates.Clear();
    }
}
