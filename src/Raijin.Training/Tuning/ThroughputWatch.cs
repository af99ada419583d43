using System.Diagnostics;
using Raijin.Parallel;

namespace Raijin.Training;

/// <summary>Times whole steps from end to end, looks how full native memory is, and ends a trial that is beaten.</summary>
sealed class ThroughputWatch(int microBatch, int accumulation, int warmup, double? limit) : Callback
{
    readonly List<double> _seconds = [];
    long _ended;
    int _seen;

    /// <summary>The median step; null when none was whole.</summary>
    public double? Seconds => _seconds.Count == 0 ? null : _seconds.Order().ElementAt(_seconds.Count / 2);

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
        if (limit is not { } most || _seconds.Count == 0 || Seconds <= most || IsStopped) return;
        IsStopped = true;
        step.Run.RequestStop("another is faster");
    }

    void Look()
    {
        if (TensorLedger.NativeBytes is { } bytes) PeakBytes = Math.Max(PeakBytes ?? 0, bytes);
    }
}

/// <summary>Records what a step's microbatch computes: in the second step without gradients there, in the third with them.</summary>
sealed class WorkTrace(int samples, int elementBytes, IEnumerable<Strategy> strategies) : Callback, IDisposable
{
    public const int Steps = 2;

    readonly StepRecording _recording = new(samples, elementBytes);
    bool _isOn;

    public StepWork? Work => _recording.Work;

    /// <summary>The shape of the model by the size of its units.</summary>
    public IReadOnlyDictionary<long, ModelShape> Shapes { get; private set; } = new Dictionary<long, ModelShape>();

    public override void OnFitStart(TrainingRun run) => Shapes = strategies.DistinctBy(s => s.UnitBytes).ToDictionary(s => s.UnitBytes, s => ModelShape.Of(run.Module, s));

    public override void OnTrainBatchStart(TrainStep step)
    {
        // Two microbatches a step: the first finds no gradients, the second those of the first.
        if (step.Index < 1 || step.Samples != samples || Work is not null) return;
        _isOn = true;
        _recording.Begin();
    }

    public override void OnBeforeBackward(TrainStep step, TorchSharp.torch.Tensor loss)
    {
        if (_isOn) _recording.BackwardBegins();
    }

    public override void OnAfterBackward(TrainStep step)
    {
        if (!_isOn) return;
        _isOn = false;
        _recording.End();
    }

    public void Dispose() => _recording.Dispose();
}
