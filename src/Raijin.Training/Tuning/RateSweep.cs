using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Puts a run's learning rate on the finder's sweep and writes down its losses.</summary>
sealed class RateSweep(LearningRateFinder finder) : Callback
{
    readonly List<double> _rates = [];
    readonly List<double> _losses = [];
    double _average;
    double _least = double.PositiveInfinity;

    public FoundLearningRate Found(string reason) => new() { Rates = _rates, Losses = _losses, StopReason = reason };

    internal override OptimizerSetup Amend(OptimizerSetup setup, RunPlan plan) => new([.. setup.Requests.Select(r => r with
    {
        // The base rate of one, so that the schedule's factor is the rate; a group's own scale of it stays.
        LearningRate = 1,
        Schedule = new Sweep(finder),
        Adaptive = [],
        Rules = [.. r.Rules.Select(rule => rule with { Schedule = null })],
    })]);

    public override void OnBeforeBackward(TrainStep step, Tensor loss)
    {
        if (!ScalarReader.TryRead(loss, out var value)) value = loss.to(ScalarType.Float64).item<double>();
        value = step.Run.Mean(value);
        if (!double.IsFinite(value))
        {
            step.Skip();
            step.Run.RequestStop("the loss is not finite any more");
            return;
        }
        _average = finder.Smoothing * _average + (1 - finder.Smoothing) * value;
        var smoothed = _average / (1 - Math.Pow(finder.Smoothing, _losses.Count + 1));
        _rates.Add(finder.RateAt(step.Index));
        _losses.Add(smoothed);
        if (_losses.Count > 1 && smoothed > finder.StopFactor * _least) step.Run.RequestStop("the loss exploded");
        _least = Math.Min(_least, smoothed);
    }

    sealed record Sweep(LearningRateFinder Finder) : LearningRateSchedule
    {
        public override double Factor(SchedulePoint point) => Finder.RateAt(point.Step);
    }
}
