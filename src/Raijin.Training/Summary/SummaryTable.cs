namespace Raijin.Training;

/// <summary>A model's facts as a table for people.</summary>
static class SummaryTable
{
    const string Gap = "   ";

    /// <param name="facts">The model.</param>
    /// <param name="samples">Samples in the batch that was seen: FLOPs are given for one.</param>
    /// <param name="maxDepth">Levels shown at most.</param>
    /// <param name="maxRows">Rows shown at most.</param>
    public static IReadOnlyList<StyledLine> Lines(ModelFacts facts, int samples, int maxDepth, int maxRows)
    {
        var depth = maxDepth;
        while (depth > 1 && facts.Modules.Count(m => m.Depth < depth) > maxRows) depth--;
        var modules = facts.Modules.Where(m => m.Depth < depth).ToList();
        var rows = modules.Select(m => Row(m, depth, samples)).ToList();
        string[] headings = ["layer", "type", "output", "parameters", "FLOPs/sample"];
        var widths = headings.Select((heading, c) => rows.Select(r => r[c].Length).Append(heading.Length).Max()).ToArray();
        var rule = new string('─', widths.Sum() + Gap.Length * (widths.Length - 1));

        var lines = new List<StyledLine> { Line(headings, widths, Tone.Quiet), new StyledLine().Add(rule, Tone.Quiet) };
        var left = rows.Count <= maxRows ? rows.Count : maxRows - 1;
        // What comes first and what comes last says most about a model.
        var first = rows.Count <= maxRows ? left : left * 3 / 4;
        lines.AddRange(rows.Take(first).Select(r => Line(r, widths, Tone.Plain)));
        if (left < rows.Count) lines.Add(new StyledLine().Add($"… {ReadableText.Count(rows.Count - left)} more", Tone.Quiet));
        lines.AddRange(rows.Skip(rows.Count - (left - first)).Select(r => Line(r, widths, Tone.Plain)));
        lines.Add(new StyledLine().Add(rule, Tone.Quiet));
        lines.Add(Total(facts, samples));
        return lines;
    }

    static string[] Row(ModuleFacts module, int depth, int samples)
    {
        // A module whose parts follow in rows of their own shows only what is its own, so that a column adds up.
        var partsFollow = module.HasChildren && module.Depth + 1 < depth;
        var parameters = partsFollow ? module.OwnParameters : module.Parameters;
        return
        [
            new string(' ', 2 * module.Depth) + module.Name,
            module.Type,
            module.OutputShape is { } shape ? $"[{string.Join(", ", shape)}]" : "",
            parameters > 0 ? ReadableText.Count(parameters) : "",
            !partsFollow && module.Flops is { } flops and > 0 ? ReadableText.Quantity((double)flops / samples) : "",
        ];
    }

    static StyledLine Line(string[] cells, int[] widths, Tone tone)
    {
        var line = new StyledLine();
        var last = Array.FindLastIndex(cells, cell => cell.Length > 0);
        for (var c = 0; c <= last; c++)
        {
            var isNumber = c >= 3;
            var text = isNumber ? cells[c].PadLeft(widths[c]) : c == last ? cells[c] : cells[c].PadRight(widths[c]);
            line.Add(c == 0 ? text : Gap + text, c is 1 or 2 ? Tone.Quiet : tone);
        }
        return line;
    }

    static StyledLine Total(ModelFacts facts, int samples)
    {
        var line = new StyledLine().Add($"{ReadableText.Count(facts.Parameters)} parameters", Tone.Strong);
        var frozen = facts.Parameters - facts.TrainableParameters;
        if (frozen > 0) line.Add($" ({ReadableText.Count(facts.TrainableParameters)} trainable, {ReadableText.Count(frozen)} frozen)");
        line.Add(" · " + ReadableText.Bytes(facts.Bytes));
        if (facts.Flops > 0) line.Add($" · {ReadableText.Quantity((double)facts.Flops / samples)} FLOPs for a sample forward");
        return line;
    }
}
