using System.Text;

namespace Raijin.Tensors;

/// <summary>In what a saved state differs from the optimizer it is loaded into.</summary>
/// <param name="Algorithm">Both algorithms, when they are not the same; else null.</param>
/// <param name="Missing">What the optimizer needs and the state lacks.</param>
/// <param name="Unexpected">What the state has and the optimizer does not know.</param>
/// <param name="Shapes">Tensors of another shape, with both shapes.</param>
public sealed record OptimizerStateDifference(
    string? Algorithm, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<string> Shapes)
{
    /// <summary>Whether everything fitted.</summary>
    public bool IsEmpty => Algorithm is null && Missing.Count + Unexpected.Count + Shapes.Count == 0;

    /// <summary>One line per kind of difference, long lists cut after eight entries.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        if (Algorithm is not null) text.AppendLine($"  algorithm: {Algorithm}");
        Append(text, "missing", Missing);
        Append(text, "unexpected", Unexpected);
        Append(text, "other shape", Shapes);
        return text.ToString().TrimEnd();
    }

    static void Append(StringBuilder text, string kind, IReadOnlyList<string> entries)
    {
        const int Shown = 8;
        if (entries.Count == 0) return;
        text.Append($"  {kind} ({entries.Count}): ").AppendJoin("; ", entries.Take(Shown));
        text.AppendLine(entries.Count > Shown ? $"; and {entries.Count - Shown} more" : "");
    }
}

/// <summary>A saved state does not fit the optimizer; nothing was loaded.</summary>
public sealed class OptimizerStateMismatchException(OptimizerStateDifference difference) : Exception(
    $"The saved optimizer state does not fit this optimizer:\n{difference}\nLoad it with strict: false to take what fits.")
{
    /// <summary>What did not fit.</summary>
    public OptimizerStateDifference Difference { get; } = difference;
}
