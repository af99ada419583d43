using System.Globalization;
using Raijin.Charts;

namespace Raijin;

/// <summary>The best value of a number over the steps of a tracker.</summary>
/// <param name="Value">The value.</param>
/// <param name="Step">The first step that had it, from 0.</param>
public readonly record struct BestValue(double Value, int Step);

/// <summary>
/// The numbers of a metric or a collection, epoch by epoch.
/// <code>
/// var tracker = new MetricTracker(metrics);
/// foreach epoch: { metrics.Update(…) …; tracker.Increment(); }
/// tracker.Best("f1");       // (0.93, step 7)
/// tracker.Plot().Save("history.png");
/// </code>
/// </summary>
/// <remarks>It keeps numbers, not states, so a step costs a few bytes. It is no metric itself; a run that resumes gives it its history back with <see cref="Restore"/>.</remarks>
public sealed class MetricTracker : IPlot, IDisposable
{
    readonly List<IReadOnlyDictionary<string, double>> _steps = [];

    /// <summary>Tracks a metric.</summary>
    /// <param name="metric">A metric or a collection; updated as ever. Taken over.</param>
    public MetricTracker(Metric metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        Metric = metric;
    }

    /// <summary>What is tracked.</summary>
    public Metric Metric { get; }

    /// <summary>How many steps are done.</summary>
    public int NumSteps => _steps.Count;

    /// <summary>Every number of each step, the first step first. The name of an only number is empty.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, double>> All => _steps;

    /// <summary>Ends a step: notes the metric's numbers and resets it for the next.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated in this step.</exception>
    public void Increment()
    {
        var numbers = new OrderedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in Metric.ComputeScalars()) numbers.Add(name, value);
        _steps.Add(numbers);
        Metric.Reset();
    }

    /// <summary>One number at every step.</summary>
    /// <param name="name">Its name; empty for an only number.</param>
    /// <exception cref="KeyNotFoundException">A step has no such number; the message lists those it has.</exception>
    public IReadOnlyList<double> Values(string name = "")
    {
        ArgumentNullException.ThrowIfNull(name);
        return [.. _steps.Select(s => s.TryGetValue(name, out var value) ? value : throw new KeyNotFoundException($"The metric has no number \"{name}\"; it has {string.Join(", ", s.Keys.Select(k => $"\"{k}\""))}."))];
    }

    /// <summary>The best value of a number so far. NaN is never the best unless there is nothing else.</summary>
    /// <param name="name">Its name; empty for an only number.</param>
    /// <param name="maximize">Whether larger is better; null for what the metric says.</param>
    /// <exception cref="InvalidOperationException">No step is done, or neither the metric nor the call says which is better.</exception>
    public BestValue Best(string name = "", bool? maximize = null)
    {
        var values = Values(name);
        if (values.Count == 0) throw new InvalidOperationException("No step is done: call Increment at the end of each.");
        var larger = maximize ?? Metric.HigherIsBetterOf(name)
            ?? throw new InvalidOperationException($"{Metric.GetType().Name} doesn't say whether a larger \"{name}\" is better: pass maximize.");
        var best = 0;
        for (var i = 1; i < values.Count; i++)
            if ((double.IsNaN(values[best]) && !double.IsNaN(values[i])) || (larger ? values[i] > values[best] : values[i] < values[best])) best = i;
        return new(values[best], best);
    }

    /// <summary>Forgets all steps and resets the metric.</summary>
    public void Reset()
    {
        _steps.Clear();
        Metric.Reset();
    }

    /// <summary>Takes over the steps of a tracker before it, as <see cref="All"/> gave them, in place of its own.</summary>
    public void Restore(IEnumerable<IReadOnlyDictionary<string, double>> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        var taken = steps.Select(s => new OrderedDictionary<string, double>(s, StringComparer.Ordinal)).ToList();
        _steps.Clear();
        _steps.AddRange(taken);
    }

    /// <summary>A curve for each number over the steps, its best value marked where the metric says which is better.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        if (_steps.Count == 0) throw new InvalidOperationException("No step is done: there is nothing to draw.");
        string[] names = [.. _steps.SelectMany(s => s.Keys).Distinct()];
        var marks = new List<Mark>();
        foreach (var name in names)
        {
            if (Metric.HigherIsBetterOf(name) is null || _steps.Any(s => !s.ContainsKey(name))) continue;
            var best = Best(name);
            if (double.IsFinite(best.Value)) marks.Add(new(best.Step, best.Value, best.Value.ToString("0.####", CultureInfo.InvariantCulture)));
        }
        return new LineChart
        {
            Title = title ?? (names is [""] ? Metric.GetType().Name : null),
            XLabel = "step",
            Curves = [.. names.Select(name => new Curve(name, [.. Steps(name).Select(i => (double)i)], [.. Steps(name).Select(i => _steps[i][name])]))],
            Marks = marks,
        };

        IEnumerable<int> Steps(string name) => Enumerable.Range(0, _steps.Count).Where(i => _steps[i].ContainsKey(name));
    }

    /// <summary>Frees the metric.</summary>
    public void Dispose() => Metric.Dispose();
}
