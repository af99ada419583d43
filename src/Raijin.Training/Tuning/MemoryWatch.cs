using System.Diagnostics;

namespace Raijin.Training;

/// <summary>Looks how full native memory is where a step has the most: after the forward pass, and with all gradients there; and times the steps.</summary>
sealed class MemoryWatch : Callback
{
    long _began;

    public long? PeakBytes { get; private set; }

    public double SecondsPerSample { get; private set; }

    public override void OnTrainBatchStart(TrainStep step)
    {
        if (step.Microbatch == 0) _began = Stopwatch.GetTimestamp();
    }

    public override void OnBeforeBackward(TrainStep step, TorchSharp.torch.Tensor loss) => Look();

    public override void OnAfterBackward(TrainStep step) => Look();

    public override void OnTrainStepEnd(TrainStep step) => SecondsPerSample = Stopwatch.GetElapsedTime(_began).TotalSeconds / (step.Samples * step.Microbatches);

    void Look()
    {
        if (TensorLedger.NativeBytes is { } bytes) PeakBytes = Math.Max(PeakBytes ?? 0, bytes);
    }
}
