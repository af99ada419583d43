using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Critical success index, or threat score, of events "at least the threshold": hits / (hits + misses + false alarms). In [0, 1]; larger is better;
/// 0 where nothing was predicted and nothing happened.
/// </summary>
/// <remarks>
/// Schaefer 1990, as in torchmetrics. Predictions and targets are [B, ...], or [B, n, ...] with n outputs, such as the steps of a forecast: each is
/// counted on its own, over all samples (torchmetrics' <c>keep_sequence_dim=1</c>). Weights are refused. NaN is left out and reported.
/// </remarks>
/// <param name="threshold">From which value on it is an event.</param>
/// <param name="outputs">How many outputs dim 1 holds; 1: everything is one.</param>
public sealed class CriticalSuccessIndex(double threshold, int outputs = 1) : RegressionMetric(new EventCounts(threshold, outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    private protected override double[] PerOutput(MetricStates states) =>
        [.. states[0].ToArray<double>().Zip(states[1].ToArray<double>(), (hits, events) => events == 0 ? 0 : hits / events)];
}

/// <summary>"hits" [n], and "events" [n], predicted or true.</summary>
sealed record EventCounts : Accumulation<Comparison>
{
    public EventCounts(double threshold, int outputs)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        if (double.IsNaN(threshold)) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "A threshold is a number.");
        (Threshold, Outputs) = (threshold, outputs);
    }

    public double Threshold { get; }

    public int Outputs { get; }

    public override void Declare(MetricStates states)
    {
        states.Add("hits", Reduction.Sum, zeros([Outputs], ScalarType.Float64));
        states.Add("events", Reduction.Sum, zeros([Outputs], ScalarType.Float64));
        states.AddFaults("predictions and targets that are numbers");
    }

    public override void Check(in Comparison batch)
    {
        RegressionAccumulation.RefuseWeights(in batch, "the critical success index");
        var predictions = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        if (predictions.Length == 0 || Outputs > 1 && (predictions.Length < 2 || predictions[1] != Outputs))
            ShapeMismatchException.Throw("predictions", Outputs > 1 ? $"[B, {Outputs}, ...]" : "[B, ...]", ShapeText.Of(predictions));
        if (!predictions.SequenceEqual(targets))
            ShapeMismatchException.Throw("targets", $"{ShapeText.Of(predictions)} as the predictions", ShapeText.Of(targets));
        RegressionAccumulation.CheckNumbers(in batch);
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var elements = batch.Predictions.NumberOfElements;
        if (elements == 0) return;
        var samples = Outputs == 1 ? 1 : batch.Predictions.shape[0];
        var predictions = batch.Predictions.reshape(samples, Outputs, -1);                                            // [B, n, r]
        var targets = batch.Targets.to(batch.Predictions.device).reshape(samples, Outputs, -1);
        var (noPrediction, noTarget) = (predictions.isnan(), targets.isnan());
        var wrong = noPrediction | noTarget;
        states.Faults!.Note(0, wrong, where(noPrediction, predictions.to(ScalarType.Float64), targets.to(ScalarType.Float64)));
        var (predicted, happened) = (predictions.ge(Threshold) & wrong.logical_not(), targets.ge(Threshold) & wrong.logical_not());
        states[0].Value.add_((predicted & happened).sum([0, 2], type: ScalarType.Float64));
        states[1].Value.add_((predicted | happened).sum([0, 2], type: ScalarType.Float64));
    }
}
