using System.Globalization;
using Raijin.Charts;

namespace Raijin.App;

/// <summary>A search as a picture: how the best score rose with the trials, and each option's values against the scores they had.</summary>
static class TrialPicture
{
    const int PanelWidth = 480;
    const int PanelHeight = 340;
    const int Columns = 2;

    /// <summary>Draws the trials that have a score.</summary>
    /// <param name="path">The PNG file.</param>
    /// <param name="space">The options.</param>
    /// <param name="monitor">The score.</param>
    /// <param name="ended">The trials.</param>
    public static void Save(string path, SearchSpace space, Best monitor, IReadOnlyList<TrialOutcome> ended)
    {
        var scored = ended.Where(outcome => outcome.Score is not null).ToList();
        List<Chart> charts = [Progress(monitor, scored), .. space.Select(option => Option(option.Key, option.Value, monitor, scored))];
        int Count(TrialState state) => scored.Count(outcome => outcome.State == state);
        var rows = (charts.Count + Columns - 1) / Columns;
        new Panels { Title = $"{monitor}: {Count(TrialState.Done)} ran to the end (blue), {Count(TrialState.Stopped)} stopped early (orange)", Columns = Columns, Charts = charts }.Save(path, PanelWidth * Columns, PanelHeight * rows);
    }

    // No legend: it would lie over the best points.
    static LineChart Progress(Best monitor, List<TrialOutcome> scored)
    {
        var best = new List<double>();
        foreach (var outcome in scored) best.Add(best.Count == 0 || monitor.IsBetter(outcome.Score!.Value, best[^1]) ? outcome.Score!.Value : best[^1]);
        double[] numbers = [.. scored.Select(outcome => (double)outcome.Trial.Number)];
        return new() { XLabel = "trial", YLabel = $"best {monitor.Metric}", Curves = [new Curve("", numbers, best)] };
    }

    static ScatterChart Option(string key, SearchRange range, Best monitor, List<TrialOutcome> scored) => new()
    {
        XLabel = range.Choices.Count > 0 ? $"{key}: {string.Join(", ", range.Choices.Select((choice, i) => string.Create(CultureInfo.InvariantCulture, $"{i} = {choice}")))}" : key,
        YLabel = monitor.Metric,
        XScale = range.IsLogarithmic ? AxisScale.Log : AxisScale.Linear,
        Points =
        [
            Points(scored.Where(outcome => outcome.State == TrialState.Done), key, range),
            Points(scored.Where(outcome => outcome.State == TrialState.Stopped), key, range),
        ],
    };

    // Choices have no axis of their own: they stand at their numbers.
    static PointSet Points(IEnumerable<TrialOutcome> outcomes, string key, SearchRange range)
    {
        var shown = outcomes.ToList();
        return new(
            "",
            shown.ConvertAll(outcome => range.Choices.Count > 0 ? range.IndexOf(outcome.Trial.Values[key]) : outcome.Trial.Double(key)),
            shown.ConvertAll(outcome => outcome.Score!.Value));
    }
}
