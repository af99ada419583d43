using System.IO.Enumeration;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// Draws after each validation the metrics that have a picture (<see cref="IPlot"/>: curves, confusion matrices, reliability), to loggers that show charts: those the module
/// holds in fields, alone or in a collection, that were updated in it. The key is <c>val/</c> and the metric's name: of a collection's member that, else the field's.
/// </summary>
public sealed class MetricPanel : Callback
{
    const int Width = 640;
    const int Height = 560;

    /// <summary>Which, by name, with * and ?.</summary>
    /// <value>Default all.</value>
    public IReadOnlyList<string> Metrics { get; init; } = ["*"];

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (epoch.Phase != EvalPhase.Validation || epoch.Run is not { } run || !run.Shows(LogKind.Figures)) return;
        foreach (var (name, metric) in Pictures(run))
            if (metric.Updates > 0 && Metrics.Any(glob => FileSystemName.MatchesSimpleExpression(glob, name)))
                run.LogFigure($"val/{name}", ((IPlot)metric).Plot(), Width, Height);
    }

    static IEnumerable<(string Name, Metric Metric)> Pictures(TrainingRun run)
    {
        foreach (var (field, metric) in ModuleMetrics.Of(run.Module))
        {
            if (metric is IPlot) yield return (field.TrimStart('_'), metric);
            if (metric is not IEnumerable<KeyValuePair<string, Metric>> members) continue;
            foreach (var (name, member) in members)
                if (member is IPlot) yield return (name, member);
        }
    }
}
