// B batch, C classes

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Share of samples whose class is predicted right: correct / seen, over all samples since the last reset (micro average).</summary>
public sealed class Accuracy(int classes) : ScalarMetric<Comparison>(new CorrectCounts(classes))
{
    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => states[0].Value.item<double>() / states[1].Value.item<double>();
}

sealed record CorrectCounts(int Classes) : Accumulation<Comparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("correct", Reduction.Sum, zeros([], ScalarType.Float64));
        states.Add("seen", Reduction.Sum, zeros([], ScalarType.Float64));
    }

    public override void Check(in Comparison batch)
    {
        var scores = HostTensor.Sizes(batch.Predictions);
        var labels = HostTensor.Sizes(batch.Targets);
        var byScore = scores.Length == 2 && labels.Length == 1 && scores[1] == Classes && scores[0] == labels[0];
        if (!byScore && !(scores.Length == 1 && scores.SequenceEqual(labels) && batch.Predictions.is_integral()))
            ShapeMismatchException.Throw("scores", $"[B, {Classes}] scores or [B] integer classes for labels [B]", $"[{string.Join(", ", scores.ToArray())}] {batch.Predictions.dtype} with labels [{string.Join(", ", labels.ToArray())}]");
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var predicted = batch.Predictions.dim() == 2 ? batch.Predictions.argmax(1) : batch.Predictions;               // [B]
        states[0].Value.add_(predicted.eq(batch.Targets.to(predicted.device)).sum());
        states[1].Value.add_(batch.Targets.shape[0]);
    }
}
