namespace Raijin;

/// <summary>
/// Logs how fast training goes, with each written step, over the steps since some written steps ago: <c>throughput/steps per second</c>, <c>… batches per second</c>,
/// <c>… samples per second</c>, <c>… tokens per second</c> (where steps count tokens), <c>… FLOPs per second</c> and <c>… model FLOPs utilization</c>. It is host arithmetic on the run's
/// counters: no wait for a device.
/// </summary>
/// <remarks>
/// FLOPs are those of the model's forward pass, as <see cref="ModelInspection"/> counts them on the first batch, times three: backward costs twice forward (Kaplan et al. 2020, §2.1).
/// Utilization is their share of <see cref="PeakFlopsPerSecond"/> (Chowdhery et al. 2022, appendix B). Lightning's callback of the same name.
/// </remarks>
public sealed class ThroughputMonitor : Callback
{
    readonly Queue<Tally> _marks = [];
    Tally _begin;
    ModelInspection? _inspection;
    double? _flopsPerSample;

    /// <summary>Written steps that a figure covers; 1 and more.</summary>
    /// <value>Default 10.</value>
    public int Window { get; init; } = 10;

    /// <summary>Steps at the beginning that no figure covers: the first ones also load, compile and allocate. 0 and more.</summary>
    /// <value>Default 0. DeepSpeed's timer leaves out 2.</value>
    public int Warmup { get; init; }

    /// <summary>Floating-point operations of a training step for one sample.</summary>
    /// <value>Default null: counted on the first batch; not logged where nothing in the model is of a known kind.</value>
    public double? FlopsPerSample { get; init; }

    /// <summary>What the device can do in the run's arithmetic; utilization is not logged without it.</summary>
    /// <value>Default null: unknown.</value>
    public double? PeakFlopsPerSecond { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (Window < 1) yield return new("throughputMonitor.window", $"= {Window}; allowed: 1 and more");
        if (Warmup < 0) yield return new("throughputMonitor.warmup", $"= {Warmup}; allowed: 0 and more");
        if (FlopsPerSample <= 0) yield return new("throughputMonitor.flopsPerSample", $"= {FlopsPerSample}; allowed: above zero");
        if (PeakFlopsPerSecond <= 0) yield return new("throughputMonitor.peakFlopsPerSecond", $"= {PeakFlopsPerSecond}; allowed: above zero");
    }

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _marks.Clear();
        _marks.Enqueue(_begin = Tally.Of(run));
        _flopsPerSample = FlopsPerSample;
        // Watched until the first written step, whatever number of samples that took.
        if (FlopsPerSample is null) _inspection = ModelInspection.Of(run.Module);
    }

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (Warmup == 0 || step.Run.Step - _begin.Step != Warmup) return;
        _marks.Clear();
        _marks.Enqueue(Tally.Of(step.Run));
    }

    /// <inheritdoc/>
    public override void OnLog(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var now = Tally.Of(run);
        if (_inspection is not null) EndInspection(now.Samples - _begin.Samples);
        if (now.Step - _begin.Step <= Warmup) return;
        var first = _marks.Peek();
        _marks.Enqueue(now);
        while (_marks.Count > Window) _marks.Dequeue();
        var seconds = (now.At - first.At).TotalSeconds;
        if (seconds <= 0) return;

        run.Log("throughput/steps per second", (now.Step - first.Step) / seconds);
        run.Log("throughput/batches per second", (now.Batches - first.Batches) / seconds);
        var samples = (now.Samples - first.Samples) / seconds;
        run.Log("throughput/samples per second", samples);
        if (now.Tokens > 0) run.Log("throughput/tokens per second", (now.Tokens - first.Tokens) / seconds);
        if (_flopsPerSample is not { } flops) return;
        run.Log("throughput/FLOPs per second", samples * flops);
        if (PeakFlopsPerSecond is { } peak) run.Log("throughput/model FLOPs utilization", samples * flops / peak);
    }

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch)
    {
        // A validation's forward passes are not training's.
        if (_inspection is null || epoch?.Run is not { } run) return;
        EndInspection(run.Samples - _begin.Samples);
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup) => EndInspection(0);

    void EndInspection(long samples)
    {
        if (_inspection is not { } inspection) return;
        var flops = samples > 0 ? inspection.Read().Flops : 0;
        if (flops > 0) _flopsPerSample = 3.0 * flops / samples;
        inspection.Dispose();
        _inspection = null;
    }

    readonly record struct Tally(TimeSpan At, long Step, long Batches, long Samples, long Tokens)
    {
        public static Tally Of(TrainingRun run) => new(run.Elapsed, run.Step, run.Batches, run.Samples, run.Tokens);
    }
}
