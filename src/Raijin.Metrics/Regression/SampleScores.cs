// B samples, d entries each

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>One number a sample: its weighted sum "sum" [] over "weight" [], or, kept, "samples" [N, 2] with weights beside the numbers.</summary>
abstract record SampleScores(bool Keep) : Accumulation<Comparison>
{
    /// <summary>What every value is.</summary>
    protected abstract string Expectation { get; }

    /// <summary>Where values are not, in each tensor's shape.</summary>
    protected abstract (Tensor Predictions, Tensor Targets) Wrong(Tensor predictions, Tensor targets);

    /// <summary>[B]; of a sample with wrong values anything.</summary>
    protected abstract Tensor Scores(Tensor predictions, Tensor targets);

    protected abstract void CheckShapes(ReadOnlySpan<long> predictions, ReadOnlySpan<long> targets);

    public sealed override void Declare(MetricStates states)
    {
        if (Keep) states.Add("samples", Reduction.Concatenate, zeros([0, 2], ScalarType.Float64));
        else
        {
            states.Add("sum", Reduction.Sum, zeros([], ScalarType.Float64));
            states.Add("weight", Reduction.Sum, zeros([], ScalarType.Float64));
        }
        states.AddFaults(Expectation, "weights of at least 0");
    }

    public sealed override void Check(in Comparison batch)
    {
        var predictions = HostTensor.Sizes(batch.Predictions);
        CheckShapes(predictions, HostTensor.Sizes(batch.Targets));
        RegressionAccumulation.CheckNumbers(in batch);
        RegressionAccumulation.CheckWeights(in batch, predictions[0]);
    }

    protected internal sealed override void Add(MetricStates states, in Comparison batch)
    {
        if (batch.Predictions.NumberOfElements == 0) return;
        var (predictions, targets) = (batch.Predictions.to(ScalarType.Float64), batch.Targets.to(ScalarType.Float64, batch.Predictions.device));
        var (wrongPredictions, wrongTargets) = Wrong(predictions, targets);
        states.Faults!.Note(0, cat([wrongPredictions.flatten(), wrongTargets.flatten()]), cat([predictions.flatten(), targets.flatten()]));
        var left = wrongPredictions.any(1) | wrongTargets.reshape(targets.shape[0], -1).any(1);                       // [B]
        var weights = left.logical_not().to(ScalarType.Float64);
        if (batch.Weights is not null)
        {
            var given = batch.Weights.to(ScalarType.Float64, batch.Predictions.device);
            var negative = given.ge(0).logical_not() | given.isinf();
            states.Faults.Note(1, negative, given);
            left |= negative;
            weights = where(left, 0.0, given);
        }
        var scores = where(left, 0.0, Scores(predictions, targets));
        if (Keep)
        {
            states[0].Append(stack([scores, weights], 1));
            return;
        }
        states[0].Value.add_(Weighted(scores, weights).sum());
        states[1].Value.add_(weights.sum());
    }

    /// <summary>Σ w·s and Σ w.</summary>
    public (double Sum, double Weight) Read(MetricStates states)
    {
        if (!Keep) return (states[0].Value.item<double>(), states[1].Value.item<double>());
        var (scores, weights) = (states[0].Value.select(1, 0), states[0].Value.select(1, 1));
        return (Weighted(scores, weights).sum().item<double>(), weights.sum().item<double>());
    }

    /// <summary>w·s, which is 0 where w is, also of an infinite s.</summary>
    static Tensor Weighted(Tensor scores, Tensor weights) => where(weights.gt(0), scores * weights, 0.0);

    protected static void CheckPairs(ReadOnlySpan<long> predictions, ReadOnlySpan<long> targets)
    {
        if (predictions.Length != 2) ShapeMismatchException.Throw("predictions", "[B, d]", ShapeText.Of(predictions));
        if (!predictions.SequenceEqual(targets))
            ShapeMismatchException.Throw("targets", $"{ShapeText.Of(predictions)} as the predictions", ShapeText.Of(targets));
    }
}

sealed record CosineScores(bool Keep) : SampleScores(Keep)
{
    protected override string Expectation => "finite vectors";

    protected override void CheckShapes(ReadOnlySpan<long> predictions, ReadOnlySpan<long> targets) => CheckPairs(predictions, targets);

    protected override (Tensor Predictions, Tensor Targets) Wrong(Tensor predictions, Tensor targets) => (predictions.isfinite().logical_not(), targets.isfinite().logical_not());

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var (a, b) = (predictions.square().sum(dim: 1).sqrt(), targets.square().sum(dim: 1).sqrt());
        return where(a.eq(0) | b.eq(0), 0.0, (predictions * targets).sum(dim: 1) / a / b).clamp(-1, 1);
    }
}

/// <summary>Σ p log(p / q) of rows that are made to sum to 1, or of log-probabilities as they are.</summary>
sealed record DivergenceScores(bool Symmetric, bool Logarithms, bool Keep) : SampleScores(Keep)
{
    /// <summary>How far above 0 rounding may leave the logarithm of a probability.</summary>
    const double Slack = 1e-5;

    protected override string Expectation => Logarithms ? "logarithms of probabilities, at most 0" : "probabilities of at least 0, not all 0";

    protected override void CheckShapes(ReadOnlySpan<long> predictions, ReadOnlySpan<long> targets) => CheckPairs(predictions, targets);

    protected override (Tensor Predictions, Tensor Targets) Wrong(Tensor predictions, Tensor targets)
    {
        return (Of(predictions), Of(targets));

        Tensor Of(Tensor values) => Logarithms
            ? values.le(Slack).logical_not()
            : values.isfinite().logical_not() | values.lt(0) | values.sum(1, keepdim: true).eq(0);
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        if (Logarithms)
        {
            if (!Symmetric) return OfLogarithms(predictions, targets);
            var middle = logaddexp(predictions, targets) - Math.Log(2);
            return (OfLogarithms(predictions, middle) + OfLogarithms(targets, middle)) / 2;
        }
        var (p, q) = (predictions / predictions.sum(1, keepdim: true), targets / targets.sum(1, keepdim: true));
        if (!Symmetric) return Of(p, q);
        var mean = (p + q) / 2;
        return (Of(p, mean) + Of(q, mean)) / 2;
    }

    static Tensor Of(Tensor p, Tensor q) => where(p.gt(0), p * (p / q).log(), 0.0).sum(dim: 1);

    static Tensor OfLogarithms(Tensor p, Tensor q) => where(p.isinf(), 0.0, p.exp() * (p - q)).sum(dim: 1);
}

/// <summary>How far an ensemble's distribution function lies from the step at what came true.</summary>
sealed record EnsembleScores(bool Fair, bool Keep) : SampleScores(Keep)
{
    protected override string Expectation => "finite members and targets";

    protected override void CheckShapes(ReadOnlySpan<long> predictions, ReadOnlySpan<long> targets)
    {
        var least = Fair ? 2 : 1;
        if (predictions.Length != 2 || predictions[1] < least)
            ShapeMismatchException.Throw("predictions", $"[B, m] with at least {least} members m", ShapeText.Of(predictions));
        if (targets.Length != 1 || targets[0] != predictions[0])
            ShapeMismatchException.Throw("targets", $"[{predictions[0]}]", ShapeText.Of(targets));
    }

    protected override (Tensor Predictions, Tensor Targets) Wrong(Tensor predictions, Tensor targets) => (predictions.isfinite().logical_not(), targets.isfinite().logical_not());

    // Σ_{i<j} |x_i − x_j| = Σ_i (2i − m − 1) x_(i), x sorted and i from 1: m log m instead of m².
    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var members = predictions.shape[1];
        var (off, _) = (predictions - targets.unsqueeze(1)).sort(1);                                                  // [B, m]
        var places = 2 * arange(1, members + 1, ScalarType.Float64, predictions.device) - (members + 1);
        var pairs = Fair ? (double)members * (members - 1) : (double)members * members;
        return off.abs().mean([1]) - (off * places).sum(dim: 1) / pairs;
    }
}
