// B batch, T tokens, V vocabulary. Per token the loss is log Σ exp(logits) - logits[target], the sum shifted by the largest logit: no
// probability is formed, so that none can become 0. Sums are float64.

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Perplexity of a language model: exp of the mean of -ln p(target) over all tokens since the last reset.</summary>
/// <remarks>
/// <para>
/// Predictions [B, T, V] floating, logits or logarithms of probabilities; targets [B, T], integer; weights [B] or [B, T] where tokens count differently.
/// At least 1, lower is better; infinite where a target's probability is 0, NaN where every token was ignored. A target outside [0, V) that isn't the ignored one is left out and reported by <c>Compute</c>.
/// </para>
/// <para>float16 and bfloat16 predictions are worked on in float32. torchmetrics takes the logarithm of a softmax: its result is infinite where a probability underflows.</para>
/// </remarks>
public sealed class Perplexity : ScalarMetric<Comparison>
{
    /// <summary>Of logits, with every token counted, unless told otherwise.</summary>
    /// <param name="ignoreIndex">Tokens with this target are left out, such as padding's -100.</param>
    /// <param name="logProbabilities">Predictions are logarithms of probabilities already; they are not normalised again.</param>
    public Perplexity(long? ignoreIndex = null, bool logProbabilities = false)
        : base(new TokenLosses(ignoreIndex, logProbabilities))
    {
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Math.Exp(states[0].Value.item<double>() / states[1].Value.item<double>());
}

/// <summary>Sums of tokens' losses and of their weights.</summary>
sealed record TokenLosses(long? IgnoreIndex, bool LogProbabilities) : Accumulation<Comparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("loss", Reduction.Sum, zeros([], ScalarType.Float64));
        states.Add("tokens", Reduction.Sum, zeros([], ScalarType.Float64));
        states.AddFaults("targets in [0, V), the predictions' last dimension");
    }

    public override void Check(in Comparison batch)
    {
        var scores = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        if (scores.Length != 3 || !batch.Predictions.is_floating_point())
            ShapeMismatchException.Throw("predictions", "[B, T, V], floating", ShapeText.Of(batch.Predictions));
        if (!targets.SequenceEqual(scores[..2]) || !batch.Targets.is_integral())
            ShapeMismatchException.Throw("targets", $"[{scores[0]}, {scores[1]}], integer, for predictions {ShapeText.Of(scores)}", ShapeText.Of(batch.Targets));
        if (batch.Weights is not { } weights) return;
        var sizes = HostTensor.Sizes(weights);
        if (!sizes.SequenceEqual(targets) && !sizes.SequenceEqual(targets[..1]))
            ShapeMismatchException.Throw("weights", $"[{scores[0]}] or [{scores[0]}, {scores[1]}]", ShapeText.Of(weights));
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        if (batch.Predictions.NumberOfElements == 0) return;
        var scores = batch.Predictions.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? batch.Predictions.to(ScalarType.Float32) : batch.Predictions;
        var targets = batch.Targets.to(ScalarType.Int64, scores.device);
        var known = targets.ge(0).logical_and(targets.lt(scores.shape[2]));                                            // [B, T]
        var counted = IgnoreIndex is { } ignored ? known.logical_and(targets.ne(ignored)) : known;
        var wrong = IgnoreIndex is { } left ? known.logical_or(targets.eq(left)).logical_not() : known.logical_not();
        states.Faults!.Note(0, wrong, targets);
        var chosen = scores.gather(2, where(counted, targets, zeros_like(targets)).unsqueeze(2)).squeeze(2);
        var losses = (LogProbabilities ? chosen.neg() : scores.logsumexp(2) - chosen).to(ScalarType.Float64);
        var weights = counted.to(ScalarType.Float64);
        if (batch.Weights is { } given) weights *= (given.dim() == 1 ? given.unsqueeze(1) : given).to(ScalarType.Float64, scores.device);
        states[0].Value.add_(where(weights.ne(0), losses * weights, zeros_like(losses)).sum());
        states[1].Value.add_(weights.sum());
    }
}
