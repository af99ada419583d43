using System.IO.Enumeration;
using Raijin.Charts;

namespace Raijin.App;

/// <summary>A run to be drawn.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Series">What it logged.</param>
sealed record DrawnRun(string Name, IReadOnlyList<RunSeries> Series);

/// <summary>What the horizontal axis of a plot is.</summary>
enum PlotAxis
{
    /// <summary>Optimizer steps.</summary>
    Step,

    /// <summary>Epochs, with the parts of one.</summary>
    Epoch,

    /// <summary>Training time.</summary>
    Seconds,
}

/// <summary>
/// Puts the values of runs into charts, one for each family: <c>train/loss</c> and <c>val/loss</c> are the family <c>loss</c>, <c>lr/decay</c> and <c>lr/no decay</c> are
/// <c>lr</c>. One run has a colour for each key; of several each has its own, and validation is dashed.
/// </summary>
/// <param name="globs">Keys to draw, with * and ?; empty for all.</param>
/// <param name="smooth">The weight of <see cref="Smoothing"/> for values of steps; the raw ones stay faint behind. 0 for none.</param>
/// <param name="axis">The horizontal axis.</param>
sealed class MetricPanels(IReadOnlyList<string> globs, double smooth, PlotAxis axis)
{
    static readonly string[] Phases = ["train", "val", "test"];

    /// <summary>The charts, in the order of first logging.</summary>
    public IReadOnlyList<LineChart> Draw(IReadOnlyList<DrawnRun> runs)
    {
        var families = new OrderedDictionary<string, List<(int Run, RunSeries Series)>>(StringComparer.Ordinal);
        foreach (var (index, run) in runs.Index())
        {
            foreach (var series in run.Series.Where(s => IsWanted(s.Key) && !IsRepeated(run, s)))
            {
                var family = FamilyOf(series.Key);
                if (!families.TryGetValue(family, out var members)) families.Add(family, members = []);
                members.Add((index, series));
            }
        }
        return [.. families.Select(family => Chart(family.Key, family.Value, runs))];
    }

    LineChart Chart(string family, List<(int Run, RunSeries Series)> members, IReadOnlyList<DrawnRun> runs)
    {
        var keys = members.Select(m => m.Series.Key).Distinct().ToList();
        var curves = new List<Curve>();
        foreach (var (run, series) in members)
        {
            var several = runs.Count > 1;
            var name = !several ? series.Key : keys.Count > 1 ? $"{runs[run].Name}  {Short(series.Key, family)}" : runs[run].Name;
            var style = several && series.Key.StartsWith("val/", StringComparison.Ordinal) && keys.Count > 1 ? CurveStyle.Dashed : CurveStyle.Solid;
            curves.AddRange(Curves(series, runs[run], name, several ? run : keys.IndexOf(series.Key), style));
        }
        return new LineChart { Title = keys.Count == 1 ? keys[0] : family, XLabel = XLabel, Curves = curves };
    }

    IEnumerable<Curve> Curves(RunSeries series, DrawnRun run, string name, int color, CurveStyle style)
    {
        var x = Abscissas(series, run);
        var y = series.Points.Select(p => p.Value).ToArray();
        if (smooth == 0 || series.Scope == LogScope.Epoch || y.Length < 3) return [new Curve(name, x, y) { Color = color, Style = style }];
        return [new Curve("", x, y) { Color = color, Style = CurveStyle.Faint }, new Curve(name, x, Smoothing.Smooth(y, smooth)) { Color = color, Style = style }];
    }

    string XLabel => axis switch { PlotAxis.Step => "step", PlotAxis.Epoch => "epoch", _ => "training time [s]" };

    double[] Abscissas(RunSeries series, DrawnRun run) => axis switch
    {
        PlotAxis.Step => [.. series.Points.Select(p => (double)p.Step)],
        PlotAxis.Seconds => [.. series.Points.Select(p => p.Seconds)],
        _ => [.. EpochsOf(series, run)],
    };

    /// <summary>Epochs done, with the parts of one: steps between two ends of epochs are spaced evenly.</summary>
    static IEnumerable<double> EpochsOf(RunSeries series, DrawnRun run)
    {
        var ends = run.Series.Where(s => s.Scope == LogScope.Epoch).SelectMany(s => s.Points).GroupBy(p => p.Epoch)
            .Select(g => (Step: g.Max(p => p.Step), Epoch: g.Key + 1)).OrderBy(e => e.Step).ToList();
        foreach (var point in series.Points)
        {
            var next = ends.FindIndex(e => e.Step >= point.Step);
            if (ends.Count == 0) yield return point.Epoch;
            else
            {
                // After the last end, epochs go on at its pace.
                var to = ends[next < 0 ? ends.Count - 1 : next];
                var from = (next < 0 ? ends.Count - 1 : next) > 0 ? ends[(next < 0 ? ends.Count - 1 : next) - 1] : (Step: 0L, Epoch: to.Epoch - 1);
                yield return from.Epoch + (double)(point.Step - from.Step) / Math.Max(1, to.Step - from.Step) * (to.Epoch - from.Epoch);
            }
        }
    }

    bool IsWanted(string key) => globs.Count == 0 || globs.Any(glob => FileSystemName.MatchesSimpleExpression(glob, key, ignoreCase: false));

    /// <summary>An epoch's mean of what is drawn step by step anyway.</summary>
    static bool IsRepeated(DrawnRun run, RunSeries series) => series.Scope == LogScope.Epoch && run.Series.Any(s => s.Scope == LogScope.Step && s.Key == series.Key);

    static string FamilyOf(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return key;
        return Phases.Contains(key[..slash]) ? key[(slash + 1)..] : key[..slash];
    }

    static string Short(string key, string family) => key.EndsWith("/" + family, StringComparison.Ordinal) ? key[..^(family.Length + 1)] : key[(family.Length + 1)..];
}
