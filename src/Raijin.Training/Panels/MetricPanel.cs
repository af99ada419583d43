using System.Diagnostics.CodeAnalysis;
using System.IO.Enumeration;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// Draws after each validation the metrics that have a picture (<see cref="IPlot"/>: curves, confusion matrices, reliability), to loggers that show charts: those the module
/// holds in fields, alone or in a collection, that were updated in it. The key is <c>val/</c> and the metric's name: of a collection's member that, else the field's or property's.
/// </summary>
/// <remarks>Of several loaders the last one's are drawn. A metric that no step logs goes on accumulating until it is reset.</remarks>
public sealed class MetricPanel : Callback
{
    const int Width = 640;
    const int Height = 560;

    readonly Dictionary<Metric, long> _updatesBefore = [];

    /// <summary>Which, by name, with * and ?.</summary>
    /// <value>Default all.</value>
    public IReadOnlyList<string> Metrics { get; init; } = ["*"];

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        _updatesBefore.Clear();
        if (!Draws(epoch, out var run)) return;
        foreach (var (_, metric) in Pictures(run)) _updatesBefore[metric] = metric.Updates;
    }

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (!Draws(epoch, out var run)) return;
        foreach (var (name, metric) in Pictures(run))
            if (metric.Updates > _updatesBefore.GetValueOrDefault(metric)) run.LogFigure($"val/{name}", ((IPlot)metric).Plot(), Width, Height);
    }

    static bool Draws(EvalEpoch epoch, [NotNullWhen(true)] out TrainingRun? run)
    {
        run = epoch.Run;
        return epoch.Phase == EvalPhase.Validation && run?.Shows(LogKind.Figures) == true;
    }

    IEnumerable<(string Name, Metric Metric)> Pictures(TrainingRun run) =>
        from field in ModuleMetrics.Of(run.Module)
        from picture in Pictures(NameOf(field.Name), "", field.Metric)
        where Metrics.Any(glob => FileSystemName.MatchesSimpleExpression(glob, picture.Name))
        select picture;

    // The field behind a property is named <Property>….
    static string NameOf(string field) => field[0] == '<' ? field[1..field.IndexOf('>', StringComparison.Ordinal)] : field.TrimStart('_');

    static IEnumerable<(string Name, Metric Metric)> Pictures(string name, string path, Metric metric)
    {
        if (metric is IPlot) yield return (name, metric);
        if (metric is not IEnumerable<KeyValuePair<string, Metric>> members) yield break;
        foreach (var (key, member) in members)
            foreach (var picture in Pictures(path + key, $"{path}{key}/", member)) yield return picture;
    }
}
