namespace Raijin;

/// <summary>
/// Weighted harmonic mean of precision and recall, recall β times as important: (1 + β²) TP / ((1 + β²) TP + β² FN + FP). In [0, 1], higher is better.
/// </summary>
/// <remarks>
/// 0 / 0 is met only where a class is neither in labels nor in predictions. See <see cref="Classification"/> for shapes, <see cref="ClassRatio"/> for averages.
/// </remarks>
public sealed class FBetaScore : ClassRatio
{
    /// <summary>The score for a β.</summary>
    /// <param name="task">What is classified.</param>
    /// <param name="beta">Importance of recall, not negative: 0.5 for precision, 2 for recall.</param>
    /// <param name="average">How the numbers of several classes become one; no effect in binary.</param>
    /// <param name="zeroDivision">What 0 / 0 is: 0, 1 or NaN.</param>
    public FBetaScore(Classification task, double beta, Average average = Average.Macro, double zeroDivision = 0)
        : base(beta is >= 0 and < double.PositiveInfinity ? task : throw new ArgumentOutOfRangeException(nameof(beta), beta, "β is finite and not negative."), average, zeroDivision)
        => Beta = beta;

    /// <summary>How many times as important recall is.</summary>
    public double Beta { get; }

    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts)
    {
        var square = Beta * Beta;
        var right = (1 + square) * counts.TruePositives;
        return Divide(right, right + (square * counts.FalseNegatives) + counts.FalsePositives);
    }
}

/// <summary>Harmonic mean of precision and recall: 2 TP / (2 TP + FN + FP). In [0, 1], higher is better.</summary>
/// <remarks>Over pixels: the Dice coefficient. See <see cref="Classification"/> for shapes, <see cref="ClassRatio"/> for averages and what is undefined.</remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">How the numbers of several classes become one; no effect in binary.</param>
/// <param name="zeroDivision">What 0 / 0 is: 0, 1 or NaN.</param>
public sealed class F1Score(Classification task, Average average = Average.Macro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts)
    {
        var right = 2 * counts.TruePositives;
        return Divide(right, right + counts.FalseNegatives + counts.FalsePositives);
    }
}
