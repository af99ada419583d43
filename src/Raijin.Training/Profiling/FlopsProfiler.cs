using Microsoft.Extensions.Logging;
using Raijin.Tensors;
using Raijin.Training;
using Spectre.Console.Rendering;

namespace Raijin;

/// <summary>
/// What one step computes and how long each module takes over it: parameters, multiply-adds, FLOPs and time, forward and backward, module by module. Written to <c>profile/flops.txt</c>
/// and <c>.json</c> when the step is over, printed when the run is. DeepSpeed's flops profiler.
/// </summary>
/// <remarks>
/// Arithmetic is counted of the ops that really run (<see cref="OpCost"/>), in functional code as in modules, backward included; where ops can't be seen it is estimated from
/// modules of known kinds, forward only. Forward passes that the backward pass repeats (recomputation) take their time and are counted apart. The profiled step is slower by the hooks
/// and the recording, about 0.3 µs an op; other steps pay two readings of the clock a phase.
/// </remarks>
public sealed class FlopsProfiler : Profiler
{
    ProfileTarget _target = null!;
    FlopsCapture? _capture;
    long _firstStep;
    long? _samples;

    /// <summary>Which step to profile: steps of this run before it. The first ones are not typical. While libtorch's ops are being recorded by another profiler, the first step after.</summary>
    /// <value>Default 2. DeepSpeed's <c>profile_step</c>.</value>
    public int Step
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 2;

    /// <summary>Levels of modules shown, the model itself being level 0; null for all.</summary>
    /// <value>Default null. DeepSpeed's <c>module_depth</c>, whose -1 is null.</value>
    public int? Depth
    {
        get;
        init
        {
            if (value is { } depth) ArgumentOutOfRangeException.ThrowIfNegative(depth, nameof(value));
            field = value;
        }
    }

    /// <summary>Kinds of modules named at each level: those with the most parameters, the most multiply-adds, the longest time. 0 for none.</summary>
    /// <value>Default 3. DeepSpeed's <c>top_modules</c>, 1 there.</value>
    public int TopModules
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 3;

    /// <summary>Kinds of ops shown, the longest first. 0 for none.</summary>
    /// <value>Default 10.</value>
    public int TopOps
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 10;

    /// <summary>Whether the text goes through the modules one by one. JSON always has them.</summary>
    /// <value>Default true. DeepSpeed's <c>detailed</c>.</value>
    public bool Detailed { get; init; } = true;

    /// <summary>The file the text is written to, its JSON beside it with the ending <c>.json</c>; then nothing is printed.</summary>
    /// <value>Default null: <c>profile/flops.txt</c> in the run's folder, and the terminal. DeepSpeed's <c>output_file</c>.</value>
    public string? OutputFile { get; init; }

    /// <summary>Whether ops are recorded; null: where they can be.</summary>
    internal bool? SeesOps { get; init; }

    /// <summary>The report; null until the step is over.</summary>
    public FlopsReport? Report { get; private set; }

    /// <inheritdoc/>
    protected internal override void OnStart(ProfileTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        _target = target;
        _firstStep = -1;
        Report = null;
        if (IsCounting) FlopsCapture.Rehearse();
    }

    /// <inheritdoc/>
    protected internal override void OnStepStart(long step, long epoch, long timestamp)
    {
        if (_firstStep < 0) _firstStep = step;
        if (Report is not null || step - _firstStep < Step || _capture is { IsStarted: true }) return;
        _capture ??= new FlopsCapture(_target.Model);
        if (!_capture.TryStart(IsCounting)) return;
        if (OpRecorder.Unavailable is { } reason) _target.Logger?.LogWarning("FLOPs are estimated from the kinds of modules, forward only: {Reason}.", reason);
        _samples = _target.Samples();
    }

    /// <inheritdoc/>
    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span) => _capture?.Saw(phase, span);

    /// <inheritdoc/>
    protected internal override void OnStepEnd(long step, long timestamp)
    {
        // Hooks are on before the step that is timed begins.
        if (Report is null && _capture is null && step + 1 - _firstStep >= Step) _capture = new FlopsCapture(_target.Model);
        if (_capture is not { IsStarted: true }) return;
        Report = _capture.Finish(step, _target.Samples() - _samples, _target.Ranks);
        _capture = null;
        // A long run tells now.
        Write(Report);
    }

    /// <inheritdoc/>
    protected internal override void OnEnd()
    {
        _capture?.Stop();
        _capture = null;
        if (Report is { } report)
        {
            if (OutputFile is null) ProfileText.Print(_target, Tables(report));
        }
        else _target.Logger?.LogWarning("No FLOPs were profiled: the run ended before its step {Step} was over.", Step);
    }

    /// <summary>The report as plain text; empty before there is one.</summary>
    public override string ToString() => Report is { } report ? ProfileText.Render(Tables(report)) : "";

    bool IsCounting => SeesOps ?? OpRecorder.Unavailable is null;

    void Write(FlopsReport report) => Guarded(_target, () =>
    {
        if ((OutputFile ?? _target.File("flops.txt")) is { } path) ProfileText.Write(path, Tables(report), json => FlopsJson.Write(json, report));
    });

    IReadOnlyList<IRenderable> Tables(FlopsReport report) => FlopsTable.Of(report, Depth, TopModules, TopOps, Detailed);
}
