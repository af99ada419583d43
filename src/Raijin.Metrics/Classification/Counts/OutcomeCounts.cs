namespace Raijin;

/// <summary>What became of the samples as one class saw them: whole numbers without weights, sums of weights with them.</summary>
/// <param name="TruePositives">Of the class, and predicted to be.</param>
/// <param name="FalsePositives">Not of the class, but predicted to be.</param>
/// <param name="TrueNegatives">Neither.</param>
/// <param name="FalseNegatives">Of the class, but not predicted to be.</param>
public readonly record struct OutcomeCounts(double TruePositives, double FalsePositives, double TrueNegatives, double FalseNegatives)
{
    /// <summary>Samples of the class.</summary>
    public double Support => TruePositives + FalseNegatives;

    /// <summary>All samples.</summary>
    public double Total => TruePositives + FalsePositives + TrueNegatives + FalseNegatives;

    /// <summary>Samples predicted to be of the class.</summary>
    internal double Predicted => TruePositives + FalsePositives;

    /// <summary>Whether the class appears in labels or predictions.</summary>
    internal bool Appears => TruePositives + FalsePositives + FalseNegatives > 0;

    /// <summary>The sums of both.</summary>
    public static OutcomeCounts operator +(OutcomeCounts a, OutcomeCounts b) => new(
        a.TruePositives + b.TruePositives, a.FalsePositives + b.FalsePositives, a.TrueNegatives + b.TrueNegatives, a.FalseNegatives + b.FalseNegatives);

    internal static OutcomeCounts Sum(IReadOnlyList<OutcomeCounts> classes)
    {
        var sum = default(OutcomeCounts);
        foreach (var one in classes) sum += one;
        return sum;
    }
}
