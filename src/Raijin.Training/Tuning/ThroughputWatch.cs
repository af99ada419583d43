using System.Diagnostics;

namespace Raijin.Training;

/// <summary>Times whole steps from end to end, looks how full native memory is, and ends a trial that is beaten.</summary>
sealed class ThroughputWatch(int microBatch, int accumulation, int warmup, double? limit) : Callback
{
    readonly List<double> _seconds = [];
    long _ended;
    int _seen;

    // One step may have met something else that runs.
    const int LeastToStop = 2;

    /// <summary>The lower quartile of the steps; null when none was whole. What else runs, and code that is still being compiled, only ever adds to a step.</summary>
    public double? Seconds => _seconds.Count == 0 ? null : _seconds.Order().ElementAt(_seconds.Count / 4);

    public long? PeakBytes { get; private set; }

    /// <summary>Whether it was ended.</summary>
    public bool IsStopped { get; private set; }

    public override void OnBeforeBackward(TrainStep step, TorchSharp.torch.Tensor loss) => Look();

    public override void OnAfterBackward(TrainStep step) => Look();

    public override void OnTrainStepEnd(TrainStep step)
    {
        var now = Stopwatch.GetTimestamp();
        var isWhole = step.Microbatches == accumulation && step.Samples == microBatch;
        if (isWhole && ++_seen > warmup) _seconds.Add(Stopwatch.GetElapsedTime(_ended, now).TotalSeconds);
        _ended = now;
        if (limit is not { } most || _seconds.Count < LeastToStop || Seconds <= most || IsStopped) return;
        IsStopped = true;
        step.Run.RequestStop("another is faster");
    }

    void Look()
    {
        if (TensorLedger.NativeBytes is { } bytes) PeakBytes = Math.Max(PeakBytes ?? 0, bytes);
    }
}
