using System.Globalization;

namespace Raijin;

/// <summary>How a trial ended.</summary>
public enum TrialState
{
    /// <summary>It ran to its end.</summary>
    Done,

    /// <summary>It was stopped early, being worse than others at the same point.</summary>
    Stopped,

    /// <summary>It failed; the search went on.</summary>
    Failed,
}

/// <summary>One set of values to try.</summary>
/// <param name="Number">Its number, from 0.</param>
/// <param name="Values">A value for each option of the space, as text.</param>
public sealed record Trial(int Number, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>An option's value as text.</summary>
    public string Text(string name) => Values[name];

    /// <summary>An option's value as a number.</summary>
    public double Double(string name) => double.Parse(Values[name], CultureInfo.InvariantCulture);

    /// <summary>An option's value as a whole number.</summary>
    public int Int(string name) => int.Parse(Values[name], CultureInfo.InvariantCulture);
}

/// <summary>A trial that has ended.</summary>
/// <param name="Trial">What was tried.</param>
/// <param name="State">How it ended.</param>
/// <param name="Score">How good it was; null when it failed.</param>
/// <param name="Reports">Its intermediate scores, in order.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Problem">What failed; null when nothing did.</param>
public sealed record TrialOutcome(Trial Trial, TrialState State, double? Score, IReadOnlyList<double> Reports, double Seconds = 0, string? Problem = null);
