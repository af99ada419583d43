// B batch, C classes

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Share of samples whose class is predicted right: correct / seen, over all samples since the last reset (micro average).</summary>
public sealed class Accuracy : Metric<double>
{
    readonly int _classes;
    readonly MetricState _correct;
    readonly MetricState _seen;

    /// <summary>An accuracy over <paramref name="classes"/> classes.</summary>
    /// <param name="classes">Number of classes, at least 2: the width expected of the scores.</param>
    public Accuracy(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        _classes = classes;
        // Counts, not shares, so that any split and any merge order gives the same bits.
        _correct = AddState("correct", Reduction.Sum, zeros([], ScalarType.Int64));
        _seen = AddState("seen", Reduction.Sum, zeros([], ScalarType.Int64));
    }

    /// <summary>Counts a batch. No value is read back.</summary>
    /// <param name="scores">Scores or probabilities, [B, C]; the largest wins, the first of equals. Or predicted classes, [B], integer. Borrowed.</param>
    /// <param name="labels">True classes, [B], integer. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">The shapes are not the ones above.</exception>
    public void Update(Tensor scores, Tensor labels)
    {
        TensorGuard.ThrowIfFreed(scores);
        TensorGuard.ThrowIfFreed(labels);
        var batch = labels.dim() == 1 ? labels.shape[0] : -1;
        var byScore = scores.dim() == 2 && scores.shape[1] == _classes && scores.shape[0] == batch;
        if (!byScore && !(scores.dim() == 1 && scores.shape[0] == batch && scores.is_integral()))
            ShapeMismatchException.Throw(nameof(scores), $"[B, {_classes}] scores or [B] integer classes for labels [B]", $"[{string.Join(", ", scores.shape)}] {scores.dtype} with labels [{string.Join(", ", labels.shape)}]");

        BeginUpdate(scores.device);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var predicted = byScore ? scores.argmax(1) : scores;               // [B]
        _correct.Value.add_(predicted.eq(labels.to(predicted.device)).sum());
        _seen.Value.add_(batch);
    }

    /// <inheritdoc/>
    public override double Compute()
    {
        ThrowIfEmpty();
        var seen = _seen.Value.item<long>();
        return seen == 0 ? double.NaN : (double)_correct.Value.item<long>() / seen;
    }

    /// <inheritdoc/>
    public override double ComputeScalar() => Compute();
}
