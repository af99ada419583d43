using System.Globalization;
using Spectre.Console;

namespace Raijin.App;

/// <summary>A search on the terminal: a line when a trial ends, and the best ones at the end.</summary>
sealed class SearchPage(IAnsiConsole console, SearchSpace space, Best monitor)
{
    const int BestShown = 10;

    double? _best;

    /// <summary>Says what begins.</summary>
    public void PrintBegin(string folder, int trials, IReadOnlyList<TrialOutcome> before)
    {
        _best = before.Select(outcome => outcome.Score).Aggregate((double?)null, (best, score) => score is { } known && monitor.IsBetter(known, best) ? known : best);
        console.MarkupLine($"{$"Searching for {monitor}".In(Palette.Heading)}  {string.Create(CultureInfo.InvariantCulture, $"{trials} trials, {folder}{(before.Count > 0 ? $", {before.Count} done before" : "")}").In(Palette.Quiet)}");
        var ranges = new Listing(Palette.Typed, "");
        foreach (var (key, range) in space) ranges.Add(key, range.ToString());
        ranges.Print(console);
        console.Write("\n");
    }

    /// <summary>Says how a trial ended.</summary>
    public void PrintTrial(TrialOutcome outcome)
    {
        var (mark, style) = Mark(outcome);
        var isBest = outcome.Score is { } score && monitor.IsBetter(score, _best);
        if (isBest) _best = outcome.Score;
        var result = outcome.Score is { } value ? RunReport.Number(value) : outcome.Problem ?? "";
        console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"  {mark.In(style)} {outcome.Trial.Number,3}  {(isBest ? result.PadRight(9).In(Palette.Good) : Markup.Escape(result.PadRight(9)))}")
            + $"  {string.Join("  ", space.Select(option => Short(outcome.Trial.Values[option.Key]).PadRight(Width(option.Value)))).TrimEnd().In(Palette.Quiet)}");
    }

    /// <summary>Prints the best trials.</summary>
    public void PrintEnd(Study study)
    {
        var ended = study.Ended;
        console.Write("\n");
        console.MarkupLine(string.Join(", ", ended.GroupBy(outcome => outcome.State).OrderBy(group => group.Key)
            .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Count()} {Word(group.Key)}"))).In(Palette.Heading));
        if (study.Best is { } best)
        {
            string[] keys = [.. space.Select(option => option.Key)];
            var table = new Listing([Palette.Typed, "", .. keys.Select(_ => ""), Palette.Quiet]);
            table.AddMarked(Palette.Quiet, ["trial", monitor.Metric, .. keys, ""]);
            var ranked = ended.Where(outcome => outcome.Score is not null).OrderBy(outcome => monitor.HigherIsBetter ? -outcome.Score : outcome.Score).ThenBy(outcome => outcome.Trial.Number);
            foreach (var outcome in ranked.Take(BestShown))
            {
                table.AddMarked(outcome == best ? Palette.Good : Palette.Typed,
                    [outcome.Trial.Number.ToString(CultureInfo.InvariantCulture), RunReport.Number(outcome.Score!.Value), .. keys.Select(key => Short(outcome.Trial.Values[key])),
                        outcome.State == TrialState.Stopped ? string.Create(CultureInfo.InvariantCulture, $"stopped after {outcome.Reports.Count} {(outcome.Reports.Count == 1 ? "validation" : "validations")}") : ""]);
            }
            table.Print(console);
            console.Write("\n");
        }
    }

    // Five digits, a point, a sign and an exponent.
    static int Width(SearchRange range) => range.Choices.Count > 0 ? range.Choices.Max(choice => choice.Length) : 10;

    static (string Mark, string Style) Mark(TrialOutcome outcome) => outcome.State switch
    {
        TrialState.Done => ("✓", Palette.Good),
        TrialState.Stopped => ("↓", Palette.Warn),
        _ => ("✗", Palette.Bad),
    };

    static string Word(TrialState state) => state switch
    {
        TrialState.Done => "ran to the end",
        TrialState.Stopped => "stopped early",
        _ => "failed",
    };

    // 17 digits say nothing more to a person than 5.
    static string Short(string value) =>
        !long.TryParse(value, CultureInfo.InvariantCulture, out _) && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? RunReport.Number(number) : value;
}
