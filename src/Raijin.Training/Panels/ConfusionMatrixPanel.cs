using Raijin.Charts;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Draws after each validation which classes were taken for which, to loggers that show charts, as <c>val/confusion matrix</c>. The validation step shows it what it needs:
/// <c>step.Published.Add("scores", scores); step.Published.Add("labels", batch.Labels);</c>
/// </summary>
public sealed class ConfusionMatrixPanel : Callback
{
    readonly int _classes;
    readonly double[,] _counts;

    /// <summary>Makes the panel.</summary>
    /// <param name="classes">Number of classes, 2 and more.</param>
    public ConfusionMatrixPanel(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        _classes = classes;
        _counts = new double[classes, classes];
    }

    /// <summary>Names of the classes.</summary>
    /// <value>Default null: their numbers.</value>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Whether each row is shown as shares of its class.</summary>
    /// <value>Default false: counts.</value>
    public bool Normalize { get; init; }

    /// <summary>The last validation's counts, [true class, predicted class].</summary>
    public double[,] Counts => (double[,])_counts.Clone();

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (ClassNames is { } names && names.Count != _classes) yield return new("confusionMatrixPanel.classNames", $"has {names.Count} names for {_classes} classes: give one each");
    }

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch) => Array.Clear(_counts);

    /// <inheritdoc/>
    public override void OnValidationBatchEnd(EvalStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Run?.Shows(LogKind.Figures) != true) return;
        using var scope = NewDisposeScope();
        var scores = step.Published["scores"];
        var labels = step.Published["labels"];
        var predicted = scores.dim() == 2 ? scores.argmax(1) : scores;
        if (predicted.dim() != 1 || labels.dim() != 1 || predicted.shape[0] != labels.shape[0])
            ShapeMismatchException.Throw("scores", $"[B, {_classes}] scores or [B] classes for labels [B]", $"[{string.Join(", ", scores.shape)}] with labels [{string.Join(", ", labels.shape)}]");
        var rows = labels.to(ScalarType.Int64).cpu().data<long>().ToArray();
        var columns = predicted.to(ScalarType.Int64).cpu().data<long>().ToArray();
        for (var i = 0; i < rows.Length; i++)
        {
            if ((ulong)rows[i] >= (ulong)_classes || (ulong)columns[i] >= (ulong)_classes)
                throw new InvalidOperationException($"A sample has label {rows[i]} and was taken for {columns[i]}, but the panel has classes 0 to {_classes - 1}: give it the number of classes there are.");
            _counts[rows[i], columns[i]]++;
        }
    }

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (epoch.Phase != EvalPhase.Validation || epoch.Run is not { } run || !run.Shows(LogKind.Figures)) return;
        run.LogFigure("val/confusion matrix", Chart(), 640, 560);
    }

    /// <summary>The last validation's matrix as a chart.</summary>
    public HeatMap Chart() => new()
    {
        Title = "confusion matrix",
        XLabel = "predicted",
        YLabel = "true",
        Values = Normalize ? Shares() : Counts,
        RowNames = ClassNames,
        ColumnNames = ClassNames,
        NumberFormat = Normalize ? "P0" : "N0",
    };

    double[,] Shares()
    {
        var shares = Counts;
        for (var row = 0; row < _classes; row++)
        {
            var sum = 0.0;
            for (var column = 0; column < _classes; column++) sum += shares[row, column];
            // A class without a sample has no shares.
            for (var column = 0; column < _classes; column++) shares[row, column] = sum > 0 ? shares[row, column] / sum : double.NaN;
        }
        return shares;
    }
}
