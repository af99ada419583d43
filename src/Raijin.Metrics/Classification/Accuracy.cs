namespace Raijin;

/// <summary>
/// Share that is predicted right. Multiclass: of samples, TP / (TP + FN) of a class. Binary and multilabel: of labels, (TP + TN) / all. In [0, 1], higher is
/// better.
/// </summary>
/// <remarks>
/// Multiclass with <see cref="Average.Macro"/> is balanced accuracy: the mean recall of classes. <see cref="ExactMatch"/> is what scikit-learn's
/// <c>accuracy_score</c> gives for multilabel. See <see cref="Classification"/> for shapes, <see cref="ClassRatio"/> for what is undefined.
/// </remarks>
/// <param name="task">What is classified; top k is an option of it.</param>
/// <param name="average">How the numbers of several classes become one.</param>
/// <param name="zeroDivision">What 0 / 0 is: 0, 1 or NaN.</param>
public sealed class Accuracy(Classification task, Average average = Average.Micro, double zeroDivision = 0) : ClassRatio(task, average, zeroDivision)
{
    /// <summary>Of samples of <paramref name="classes"/> classes, each sample with the same weight.</summary>
    public Accuracy(int classes)
        : this(Classification.Multiclass(classes))
    {
    }

    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Task.Kind == ClassificationKind.Multiclass
        ? Divide(counts.TruePositives, counts.TruePositives + counts.FalseNegatives)
        : Divide(counts.TruePositives + counts.TrueNegatives, counts.Total);
}

/// <summary>Share that is predicted wrong: 1 - <see cref="Accuracy"/>, with the same averages. In [0, 1], lower is better.</summary>
/// <remarks>scikit-learn's <c>hamming_loss</c> is the micro average. See <see cref="Classification"/> for shapes, <see cref="ClassRatio"/> for what is undefined.</remarks>
/// <param name="task">What is classified.</param>
/// <param name="average">How the numbers of several classes become one.</param>
/// <param name="zeroDivision">What 0 / 0 is: 0, 1 or NaN; by default 1, as for an accuracy of 0.</param>
public sealed class HammingDistance(Classification task, Average average = Average.Micro, double zeroDivision = 1) : ClassRatio(task, average, zeroDivision)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    public override double Ratio(in OutcomeCounts counts) => Task.Kind == ClassificationKind.Multiclass
        ? Divide(counts.FalseNegatives, counts.TruePositives + counts.FalseNegatives)
        : Divide(counts.FalsePositives + counts.FalseNegatives, counts.Total);
}
