// n samples, W columns of scores

using System.Runtime.CompilerServices;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Some samples on the host: their scores, and which of them are positive for which column.</summary>
/// <param name="Scores">[n, W] float32 or float64, dense.</param>
/// <param name="Labels">[n, W] int16, 1 for positive; or [n] int16, the class, which is the column that is positive. -1: left out.</param>
/// <param name="Weights">[n, W] or [n] float64 like the labels; null: 1 each.</param>
/// <param name="ByClass">A label is the column that is positive; else 1 means positive.</param>
readonly record struct ScoredRows(Tensor Scores, Tensor Labels, Tensor? Weights, bool ByClass)
{
    /// <summary>n.</summary>
    public int Count => (int)HostTensor.Sizes(Labels)[0];

    /// <summary>W.</summary>
    public int Width => (int)HostTensor.Sizes(Scores)[1];

    /// <summary>Labels of a sample.</summary>
    int LabelWidth => HostTensor.Sizes(Labels).Length == 2 ? Width : 1;

    /// <summary>Which labels make samples of a column positive.</summary>
    public short Positive(int column) => (short)(ByClass ? column : 1);

    /// <summary>Hands each score of some columns and rows to a visitor, column by column, unless it is left out or weighs nothing.</summary>
    /// <typeparam name="T">float or double, as the scores are.</typeparam>
    /// <typeparam name="TVisitor">What takes them.</typeparam>
    public void Visit<T, TVisitor>(in Problem problem, int firstRow, int endRow, ref TVisitor visitor)
        where T : unmanaged
        where TVisitor : struct, IScoreVisitor<T>, allows ref struct
    {
        HostTensor weightView = default;
        if (!HostTensor.TryOpen(Scores, out var scoreView) || !HostTensor.TryOpen(Labels, out var labelView) || (Weights is not null && !HostTensor.TryOpen(Weights, out weightView)))
            throw new InvalidOperationException("Ranked samples lie dense on the host.");
        using (scoreView)
        using (labelView)
        {
            var (width, labelWidth) = (Width, LabelWidth);
            var scores = scoreView.Slice<T>((long)firstRow * width, (endRow - firstRow) * width);
            var labels = labelView.Slice<short>((long)firstRow * labelWidth, (endRow - firstRow) * labelWidth);
            var weights = Weights is null ? default : weightView.Slice<double>((long)firstRow * labelWidth, (endRow - firstRow) * labelWidth);
            for (var column = problem.FirstColumn; column < problem.EndColumn; column++)
            {
                var (positive, label) = (Positive(column), labelWidth > 1 ? column : 0);
                if (width == 1 && labelWidth == 1 && Weights is null && problem.Rival is null)
                {
                    VisitAll(scores, labels, positive, ref visitor);
                    continue;
                }
                for (var score = column; score < scores.Length; score += width, label += labelWidth)
                {
                    var found = labels[label];
                    if (found < 0 || (problem.Rival is { } rival && found != positive && found != rival)) continue;
                    if (Weights is null) visitor.Visit(scores[score], found == positive, 1);
                    else if (weights[label] > 0) visitor.Visit(scores[score], found == positive, weights[label]);
                }
            }
            if (Weights is not null) weightView.Dispose();
        }
    }

    // The usual case, which is called once for many scores.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void VisitAll<T, TVisitor>(ReadOnlySpan<T> scores, ReadOnlySpan<short> labels, short positive, ref TVisitor visitor)
        where T : unmanaged
        where TVisitor : struct, IScoreVisitor<T>, allows ref struct
    {
        var local = visitor;
        for (var i = 0; i < labels.Length && i < scores.Length; i++)
            if (labels[i] >= 0) local.Visit(scores[i], labels[i] == positive, 1);
        visitor = local;
    }
}

/// <summary>Which scores are ranked together.</summary>
/// <param name="FirstColumn">The first column.</param>
/// <param name="EndColumn">The one after the last: several are ranked as if they were one.</param>
/// <param name="Rival">Only samples of the column's own class and of this one; null for all.</param>
readonly record struct Problem(int FirstColumn, int EndColumn, int? Rival = null)
{
    /// <summary>One column against the rest.</summary>
    public static Problem Of(int column) => new(column, column + 1);
}

/// <summary>Takes scores one by one.</summary>
interface IScoreVisitor<T>
    where T : unmanaged
{
    void Visit(T score, bool positive, double weight);
}
