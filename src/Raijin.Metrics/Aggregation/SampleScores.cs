// B samples, … further dimensions of a score

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>
/// The mean of a score that each sample (an image, a signal, a frame) has by itself: its sum and the weight behind it, in float64. However the samples
/// are split into batches, each counts once.
/// </summary>
abstract record SampleScores<TBatch> : Accumulation<TBatch>
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
abstract record ComparisonScores : SampleScores<Comparison>
{
    protected abstract Tensor Scores(Tensor predictions, Tensor targets);

    protected sealed override Tensor Scores(in Comparison batch) =>
        Scores(SampleTensor.Floating(batch.Predictions), SampleTensor.Floating(batch.Targets).to(batch.Predictions.device));

    protected sealed override Tensor? Weights(in Comparison batch) => batch.Weights;
}

/// <summary>What is asked of the tensors that samples come in.</summary>
static class SampleTensor
{
    /// <summary>Float64 and Float32 as they are; narrower floats, integers and bools as Float32.</summary>
    public static Tensor Floating(Tensor values) => values.dtype is ScalarType.Float64 or ScalarType.Float32 ? values : values.to(ScalarType.Float32);

    /// <summary>The distance of 1 to the next number of the tensor's dtype.</summary>
    public static double Epsilon(Tensor values) => values.dtype == ScalarType.Float64 ? double.BitIncrement(1) - 1 : float.BitIncrement(1) - 1;

    /// <summary>x^power where x is positive, else 0 with a gradient of 0 (a root's own would be infinite there); NaN stays NaN.</summary>
    public static Tensor PositivePower(Tensor x, double power)
    {
        if (power == 1) return x.relu();
        var none = x.le(0);
        return where(none, 0.0, where(none, 1.0, x).pow(power));
    }

    /// <summary>Refuses weights that are not [B].</summary>
    public static void CheckWeights(Tensor? weights, long samples)
    {
        if (weights is not null && HostTensor.Sizes(weights) is var sizes && !(sizes.Length == 1 && sizes[0] == samples))
            ShapeMismatchException.Throw("weights", $"[{samples}], one a sample", ShapeText.Of(weights));
    }

    /// <summary>Whether values have an imaginary part.</summary>
    public static bool IsComplex(Tensor values)
    {
        TensorGuard.ThrowIfFreed(values);
        return values.dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;
    }

    /// <summary>Refuses tensors that are complex or of different shapes.</summary>
    public static void CheckReal(Tensor predictions, Tensor targets)
    {
        if (IsComplex(predictions)) ShapeMismatchException.Throw("predictions", "real numbers", ShapeText.Of(predictions));
        if (IsComplex(targets)) ShapeMismatchException.Throw("targets", "real numbers", ShapeText.Of(targets));
        CheckAlike(predictions, targets);
    }

    /// <summary>Refuses tensors of different shapes.</summary>
    public static void CheckAlike(Tensor predictions, Tensor targets)
    {
        if (!HostTensor.Sizes(predictions).SequenceEqual(HostTensor.Sizes(targets)))
            ShapeMismatchException.Throw("predictions", $"the targets' shape {ShapeText.Of(targets)}", ShapeText.Of(predictions));
    }
}
