using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What a multiclass margin is.</summary>
public enum MulticlassHinge
{
    /// <summary>The label's score over the largest other one (Crammer and Singer 2001).</summary>
    CrammerSinger,

    /// <summary>Each class's own score, which is to be above 1 for its samples and below -1 for others.</summary>
    OneVersusAll,
}

/// <summary>Mean hinge loss max(0, 1 - margin) of decision values, as support vector machines are trained by. Not negative, less is better.</summary>
/// <remarks>
/// Binary and multilabel: the margin is ±score, negative for label 0. Scores are decision values, to which neither sigmoid nor softmax is applied: give a
/// binary or multilabel task <c>logits: true</c> unless they are probabilities. (torchmetrics applies them to scores outside [0, 1].) Multiclass as
/// <see cref="MulticlassHinge"/> says; scikit-learn's <c>hinge_loss</c> is Crammer's and Singer's. One-versus-all and multilabel average over all classes;
/// <see cref="PerClass"/> has each, which is what torchmetrics gives for one-versus-all. Where nothing counts it is NaN.
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="squared">The loss is max(0, 1 - margin)².</param>
/// <param name="multiclass">What a multiclass margin is.</param>
public sealed class HingeLoss(Classification task, bool squared = false, MulticlassHinge multiclass = MulticlassHinge.CrammerSinger)
    : ScalarMetric<Comparison>(HingeLosses.Of(task, squared, multiclass)), IPerClass
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>The loss of each label of multilabel and each class of one-versus-all; else one number.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        return MeanLoss.PerTerm(States);
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => MeanLoss.Mean(states);
}

sealed record HingeLosses(Classification Task, bool Squared, MulticlassHinge Multiclass)
    : MeanLoss(Task, ScoreForm.Raw, Multiclass == MulticlassHinge.OneVersusAll ? Task.Width : 1)
{
    public static HingeLosses Of(Classification task, bool squared, MulticlassHinge multiclass)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(task, squared, task.Kind == ClassificationKind.Multiclass ? multiclass : MulticlassHinge.OneVersusAll);
    }

    protected override double Loss(ReadOnlySpan<double> scores, int label, int term, ScalarType dtype)
    {
        double margin;
        if (Multiclass == MulticlassHinge.CrammerSinger)
        {
            var other = double.NegativeInfinity;
            for (var c = 0; c < scores.Length; c++)
                if (c != label) other = Math.Max(other, scores[c]);
            margin = scores[label] - other;
        }
        else
        {
            var positive = label == (Task.Kind == ClassificationKind.Multiclass ? term : 1);
            margin = positive ? scores[term] : -scores[term];
        }
        var loss = Math.Max(0, 1 - margin);
        return Squared ? loss * loss : loss;
    }

    protected override Tensor Losses(ScoreRows rows)
    {
        var scores = rows.Scores.to(ScalarType.Float64);
        var positive = Task.Kind == ClassificationKind.Multiclass ? rows.Labels.eq(arange(Task.Classes, ScalarType.Int64, scores.device)) : rows.Labels.eq(1);
        Tensor margins;
        if (Multiclass == MulticlassHinge.CrammerSinger)
            margins = scores.gather(1, rows.Labels) - scores.masked_fill(positive, double.NegativeInfinity).amax([1], keepdim: true);
        else
            margins = where(positive, scores, scores.neg());
        var losses = (1 - margins).clamp(min: 0);
        return Squared ? losses.square() : losses;
    }
}
