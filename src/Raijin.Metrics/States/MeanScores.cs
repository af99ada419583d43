// B samples, … further dimensions of a score

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>
/// The mean of a score that each sample (an image, a signal, a frame) has by itself: its sum and the weight behind it, in float64. However the samples
/// are split into batches, each counts once.
/// </summary>
abstract record MeanScores<TBatch> : Accumulation<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    public sealed override void Declare(MetricStates states)
    {
        states.Add("scores", Reduction.Sum, zeros([], ScalarType.Float64));
        states.Add("samples", Reduction.Sum, zeros([], ScalarType.Float64));
    }

    /// <summary>Each sample's score, [B] or [B, …]: ops of tensors, so that a gradient flows through. Runs in a scope of its own.</summary>
    protected abstract Tensor Scores(in TBatch batch);

    /// <summary>How much each sample counts, [B]; null: 1 each.</summary>
    protected abstract Tensor? Weights(in TBatch batch);

    /// <summary>The function the metric accumulates; the caller owns the result.</summary>
    public Tensor Evaluate(in TBatch batch)
    {
        Check(in batch);
        using var scope = NewDisposeScope();
        return Scores(in batch).MoveToOuterDisposeScope();
    }

    protected internal sealed override void Add(MetricStates states, in TBatch batch)
    {
        if (batch.Anchor is { } anchor && HostTensor.Sizes(anchor) is [0, ..]) return;
        var scores = Scores(in batch).to(ScalarType.Float64);                                                       // [B, …]
        if (Weights(in batch) is not { } weights)
        {
            states[0].Value.add_(scores.sum());
            states[1].Value.add_(scores.NumberOfElements);
            return;
        }
        var rows = scores.reshape(scores.shape[0], -1);
        var factors = weights.to(ScalarType.Float64, scores.device).unsqueeze(1).expand_as(rows);
        // A weight of 0 leaves a sample out, also one whose score is undefined.
        states[0].Value.add_(where(factors.eq(0), 0.0, rows * factors).sum());
        states[1].Value.add_(factors.sum());
    }

    /// <summary>The mean; NaN of no samples.</summary>
    public static double Mean(MetricStates states) => states[0].Value.item<double>() / states[1].Value.item<double>();
}

/// <summary>The same of predictions beside targets.</summary>
abstract record ComparisonScores : MeanScores<Comparison>
{
    protected abstract Tensor Scores(Tensor predictions, Tensor targets);

    protected sealed override Tensor Scores(in Comparison batch) =>
        Scores(SampleTensor.Floating(batch.Predictions), SampleTensor.Floating(batch.Targets).to(batch.Predictions.device));

    protected sealed override Tensor? Weights(in Comparison batch) => batch.Weights;
}
