using Raijin.Collectives;
using Raijin.Parallel;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Records what a microbatch of a short fit computes, by one rank alone: in the second step once without gradients there and once with them. The shape of the model and what its optimizers keep with it.</summary>
/// <param name="samples">Samples of the microbatch; null for those of the second step's first, whatever they are.</param>
/// <param name="precision">The arithmetic.</param>
/// <param name="strategies">Of each size of units in them there will be a shape.</param>
sealed class StepTrace(int? samples, Precision precision, IReadOnlyList<Strategy> strategies) : Callback, IDisposable
{
    const int Steps = 2;
    const int Microbatches = 2;

    StepRecording? _recording;
    int? _samples = samples;
    bool _isOn;

    public StepWork? Work => _recording?.Work;

    /// <summary>The shape of the model by the size of its units.</summary>
    public IReadOnlyDictionary<long, ModelShape> Shapes { get; private set; } = new Dictionary<long, ModelShape>();

    /// <summary>Bytes that the optimizers keep for each trained parameter, masters not counted: the mean, where they keep more for one than for another.</summary>
    public long StateBytes { get; private set; }

    /// <summary>Runs the fit.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="run">Fits by options, in a world.</param>
    /// <exception cref="InvalidOptionsException">The data has too few samples.</exception>
    public void Run(TrainerOptions options, Action<TrainerOptions, World> run)
    {
        // A process that was launched with others would find them.
        using var alone = World.Single();
        run(ShortFit.Options(options, Steps, this) with { AccumulateGradients = Microbatches, Strategy = null, Devices = 1 }, alone);
        if (Work is null)
            InvalidOptionsException.ThrowIfAny([new("data", $"holds too few samples: two whole microbatches{(_samples is { } size ? $" of {size}" : "")} are needed to see what a step computes")]);
    }

    public override void OnFitStart(TrainingRun run) => Shapes = strategies.DistinctBy(s => s.UnitBytes).ToDictionary(s => s.UnitBytes, s => ModelShape.Of(run.Module, s));

    public override void OnTrainBatchStart(TrainStep step)
    {
        // Of the step's two microbatches the first finds no gradients, the second those of the first.
        if (step.Index < 1 || step.Samples != (_samples ??= step.Samples) || Work is not null) return;
        if (_recording is null)
        {
            _recording = new(step.Samples, precision.Compute is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : sizeof(float));
            StateBytes = Kept(step.Run);
        }
        _isOn = true;
        _recording.Begin();
    }

    public override void OnBeforeBackward(TrainStep step, Tensor loss)
    {
        if (_isOn) _recording!.BackwardBegins();
    }

    public override void OnAfterBackward(TrainStep step)
    {
        if (!_isOn) return;
        _isOn = false;
        _recording!.End();
    }

    public void Dispose() => _recording?.Dispose();

    // After the first update all of it is there.
    long Kept(TrainingRun run)
    {
        var trained = run.Module.parameters().Where(p => p.requires_grad).Sum(p => p.numel());
        if (trained == 0) return 0;
        var bytes = run.Optimizers.Sum(o => o.EvaluatesLoss ? o.CaptureState().Tensors.Sum(t => t.Tensor.NumberOfElements * t.Tensor.ElementSize) : o.Updater.StateBytes);
        return Math.Max(0, (long)Math.Round((double)bytes / trained) - (precision.ConvertsWeights ? sizeof(float) : 0));
    }
}
