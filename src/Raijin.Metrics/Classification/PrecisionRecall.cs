namespace Raijin;

/// <summary>Share of what was predicted to be of a class that is of it: TP / (TP + FP). In [0, 1], higher is better.</summary>
/// <remarks>See <see cref="Classification"/> for shapes, <see cref="ClassRatio"/> for what is undefined.</remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">How the numbers of several classes become one; no effect in binary.</param>
/// <param name="zeroDivision">What 0 / 0 is: 0, 1 or NaN.</param>
public sealed class PrecisionScore(Classification task, Average average = Average.Macro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Divide(counts.TruePositives, counts.TruePositives + counts.FalsePositives);
}

/// <summary>Share of what is of a class that was predicted to be: TP / (TP + FN), also called sensitivity or true positive rate. In [0, 1], higher is better.</summary>
/// <inheritdoc cref="PrecisionScore"/>
public sealed class RecallScore(Classification task, Average average = Average.Macro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Divide(counts.TruePositives, counts.TruePositives + counts.FalseNegatives);
}

/// <summary>Share of what is not of a class that wasn't predicted to be: TN / (TN + FP), also called true negative rate. In [0, 1], higher is better.</summary>
/// <inheritdoc cref="PrecisionScore"/>
public sealed class Specificity(Classification task, Average average = Average.Macro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Divide(counts.TrueNegatives, counts.TrueNegatives + counts.FalsePositives);
}

/// <summary>Share of what was not predicted to be of a class that isn't: TN / (TN + FN). In [0, 1], higher is better.</summary>
/// <inheritdoc cref="PrecisionScore"/>
public sealed class NegativePredictiveValue(Classification task, Average average = Average.Macro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Divide(counts.TrueNegatives, counts.TrueNegatives + counts.FalseNegatives);
}

/// <summary>Overlap of what is of a class with what was predicted to be, as intersection over union: TP / (TP + FP + FN). In [0, 1], higher is better.</summary>
/// <remarks>Over pixels: intersection over union of segmentations. See <see cref="Classification"/> for shapes, <see cref="ClassRatio"/> for what is undefined.</remarks>
/// <inheritdoc cref="PrecisionScore"/>
public sealed class JaccardIndex(Classification task, Average average = Average.Macro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Divide(counts.TruePositives, counts.TruePositives + counts.FalsePositives + counts.FalseNegatives);
}
