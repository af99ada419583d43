using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Cross-entropy of probabilities, in nats: the mean of -log p of what was true. Binary and each label of multilabel: -log p or -log(1 - p); multiclass: -log of
/// the label's probability. Not negative, less is better.
/// </summary>
/// <remarks>
/// Probabilities are clipped to [ε, 1 - ε], ε being the spacing of their dtype at 1 (float32: 1.2e-7), as scikit-learn's <c>log_loss</c> does, so that one
/// certain mistake is dear and not infinite. With the task's <c>logits</c> the loss is taken from the logits themselves, stable and unclipped. Rows of
/// multiclass probabilities are taken as they are: scikit-learn divides them by their sum. Multilabel averages over all labels that count;
/// <see cref="PerClass"/> has each. torchmetrics has no such class. Where nothing counts it is NaN.
/// </remarks>
/// <param name="task">What is classified.</param>
public sealed class LogLoss(Classification task) : ScalarMetric<Comparison>(LogLosses.Of(task)), IPerClass
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>The loss of each label of multilabel; else one number.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        return MeanLoss.PerTerm(States);
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => MeanLoss.Mean(states);
}

/// <summary>
/// Brier score: the mean squared distance of probabilities from what was true (Brier 1950). Binary and each label of multilabel: (p - y)², in [0, 1]; multiclass:
/// Σ (p_c - [c = y])² over all classes, in [0, 2]. Less is better.
/// </summary>
/// <remarks>
/// With the task's <c>logits</c> the sigmoid or the softmax comes first. Binary is scikit-learn's <c>brier_score_loss</c>. Multilabel averages over all labels that
/// count; <see cref="PerClass"/> has each. torchmetrics has no such class. Where nothing counts it is NaN.
/// </remarks>
/// <param name="task">What is classified.</param>
public sealed class BrierScore(Classification task) : ScalarMetric<Comparison>(BrierLosses.Of(task)), IPerClass
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>The score of each label of multilabel; else one number.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        return MeanLoss.PerTerm(States);
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => MeanLoss.Mean(states);
}

sealed record LogLosses(Classification Task)
    : MeanLoss(Task, Task.Logits ? ScoreForm.Raw : ScoreForm.Probability, Task.Kind == ClassificationKind.Multilabel ? Task.Classes : 1)
{
    public static LogLosses Of(Classification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(task);
    }

    protected override double Loss(ReadOnlySpan<double> scores, int label, int term, ScalarType dtype)
    {
        if (Task.Kind != ClassificationKind.Multiclass)
        {
            var score = scores[term];
            if (Task.Logits) return Softplus(label == 1 ? -score : score);
            return -Math.Log(Clip(label == 1 ? score : 1 - score, dtype));
        }
        if (!Task.Logits) return -Math.Log(Clip(scores[label], dtype));
        var (largest, sum) = (double.NegativeInfinity, 0.0);
        foreach (var score in scores) largest = Math.Max(largest, score);
        foreach (var score in scores) sum += Math.Exp(score - largest);
        return Math.Log(sum) + largest - scores[label];
    }

    protected override Tensor Losses(ScoreRows rows)
    {
        var scores = rows.Scores.to(ScalarType.Float64);
        if (Task.Kind == ClassificationKind.Multiclass)
            return Task.Logits ? scores.log_softmax(1).gather(1, rows.Labels).neg() : Clip(scores.gather(1, rows.Labels)).log().neg();
        var positive = rows.Labels.eq(1);
        if (!Task.Logits) return Clip(where(positive, scores, 1 - scores)).log().neg();
        var wrong = where(positive, scores.neg(), scores);
        return wrong.clamp(min: 0) + wrong.abs().neg().exp().log1p();

        Tensor Clip(Tensor probabilities) => probabilities.clamp(Spacing(rows.Scores.dtype), 1 - Spacing(rows.Scores.dtype));
    }

    static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    static double Clip(double probability, ScalarType dtype) => Math.Clamp(probability, Spacing(dtype), 1 - Spacing(dtype));

    /// <summary>From 1 to the next number of a dtype.</summary>
    static double Spacing(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => Math.ScaleB(1, -52),
        ScalarType.Float32 => Math.ScaleB(1, -23),
        ScalarType.Float16 => Math.ScaleB(1, -10),
        _ => Math.ScaleB(1, -7),
    };
}

sealed record BrierLosses(Classification Task) : MeanLoss(Task, ScoreForm.Probability, Task.Kind == ClassificationKind.Multilabel ? Task.Classes : 1)
{
    public static BrierLosses Of(Classification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(task);
    }

    protected override double Loss(ReadOnlySpan<double> scores, int label, int term, ScalarType dtype)
    {
        if (Task.Kind != ClassificationKind.Multiclass) return (scores[term] - label) * (scores[term] - label);
        var sum = 0.0;
        for (var c = 0; c < scores.Length; c++)
        {
            var distance = scores[c] - (c == label ? 1 : 0);
            sum += distance * distance;
        }
        return sum;
    }

    protected override Tensor Losses(ScoreRows rows)
    {
        var scores = rows.Scores.to(ScalarType.Float64);
        if (Task.Kind != ClassificationKind.Multiclass) return (scores - rows.Labels).square();
        return (scores - rows.Labels.eq(arange(Task.Classes, ScalarType.Int64, scores.device)).to(ScalarType.Float64)).square().sum(dim: 1, keepdim: true);
    }
}
