// B samples, C classes, L labels, I product of the further dimensions

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How a batch's memory is laid out for its task: what the shapes say, without a look at a value.</summary>
/// <param name="Batch">B.</param>
/// <param name="Columns">Labels L of multilabel; else 1.</param>
/// <param name="Inner">I: positions of a sample, further dimensions flattened.</param>
/// <param name="Scored">Predictions are floating; else they are classes.</param>
/// <param name="WeighsCells">Weights have the targets' shape; else they are [B].</param>
readonly record struct TaskLayout(long Batch, int Columns, long Inner, bool Scored, bool WeighsCells)
{
    /// <summary>Targets: B · L · I, in the order of memory.</summary>
    public long NumCells => Batch * Columns * Inner;

    /// <summary>Targets of one sample.</summary>
    public long CellsOfSample => Columns * Inner;

    /// <summary>The layout of a batch. Allocates nothing when its shapes and dtypes are the task's.</summary>
    /// <param name="task">Says how predictions are read.</param>
    /// <param name="batch">Predictions, targets, weights.</param>
    /// <param name="scores">Whether predictions have to be scores: classes won't do.</param>
    /// <exception cref="ShapeMismatchException">They are not.</exception>
    public static TaskLayout Of(Classification task, in Comparison batch, bool scores = false)
    {
        var predictions = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        if (targets.Length == 0 || !IsInteger(batch.Targets.dtype))
            ShapeMismatchException.Throw("targets", "integer or bool labels [B, ...]", ShapeText.Of(batch.Targets), "Convert labels with .to(ScalarType.Int64).");
        var scored = is_floating_point(batch.Predictions.dtype);
        var fits = scored || (!scores && task.TopK == 1 && IsInteger(batch.Predictions.dtype));
        long inner = 1;
        if (task.Kind == ClassificationKind.Multiclass && scored)
        {
            fits &= predictions.Length == targets.Length + 1 && predictions[0] == targets[0] && predictions[1] == task.Classes && predictions[2..].SequenceEqual(targets[1..]);
        }
        else
        {
            fits &= predictions.SequenceEqual(targets);
            if (task.Kind == ClassificationKind.Multilabel) fits &= targets.Length >= 2 && targets[1] == task.Classes;
        }
        if (!fits) ThrowMisfit(task, batch, scores);
        var multilabel = task.Kind == ClassificationKind.Multilabel;
        foreach (var size in targets[(multilabel ? 2 : 1)..]) inner *= size;

        var cells = false;
        if (batch.Weights is { } weights)
        {
            var sizes = HostTensor.Sizes(weights);
            cells = sizes.Length > 1;
            if ((cells ? !sizes.SequenceEqual(targets) : sizes.Length != 1 || sizes[0] != targets[0]) || !(is_floating_point(weights.dtype) || IsInteger(weights.dtype)))
                ShapeMismatchException.Throw("weights", $"real numbers, [{targets[0]}], one a sample, or the targets' {ShapeText.Of(targets)}", ShapeText.Of(weights));
        }
        return new(targets[0], multilabel ? task.Classes : 1, inner, scored, cells);
    }

    /// <summary>Refuses weights of single cells, for metrics of whole samples.</summary>
    public void ThrowIfCellsAreWeighed(in Comparison batch)
    {
        if (WeighsCells) ShapeMismatchException.Throw("weights", $"[{Batch}], one a sample", ShapeText.Of(batch.Weights!));
    }

    /// <summary>Whether a dtype holds whole numbers or truth values.</summary>
    public static bool IsInteger(ScalarType dtype) =>
        dtype is ScalarType.Int64 or ScalarType.Int32 or ScalarType.Int16 or ScalarType.Int8 or ScalarType.Byte or ScalarType.Bool;

    static void ThrowMisfit(Classification task, in Comparison batch, bool scores)
    {
        var needsScores = scores || task.TopK > 1;
        var expected = task.Kind switch
        {
            ClassificationKind.Binary => needsScores ? "floating [B, ...]" : "[B, ...], floating or classes",
            ClassificationKind.Multiclass => needsScores ? $"floating [B, {task.Classes}, ...]" : $"floating [B, {task.Classes}, ...] or integer classes [B, ...]",
            _ => needsScores ? $"floating [B, {task.Classes}, ...]" : $"[B, {task.Classes}, ...], floating or 0 and 1",
        };
        var like = task.Kind == ClassificationKind.Multiclass ? "for labels [B, ...]" : "like the labels";
        ShapeMismatchException.Throw("predictions", $"{expected}, {like}", $"{ShapeText.Of(batch.Predictions)} with labels {ShapeText.Of(batch.Targets)}");
    }
}
