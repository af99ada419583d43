using System.Text.Json;
using Microsoft.Extensions.Logging;
using Raijin.Tensors;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// What one step computes and how long each module takes over it: parameters, multiply-adds, FLOPs and time, forward and backward, module by module. Printed, and written to
/// <c>profile/flops.txt</c> and <c>.json</c>. DeepSpeed's flops profiler.
/// </summary>
/// <remarks>
/// Arithmetic is counted of the ops that really run (<see cref="OpCost"/>), in functional code as in modules, backward included; where ops can't be seen it is estimated from
/// modules of known kinds, forward only. The profiled step is slower by the hooks and the recording; other steps pay two readings of the clock a phase.
/// </remarks>
public sealed class FlopsProfiler : Profiler
{
    readonly TimeSpan[] _phases = new TimeSpan[Enum.GetValues<ProfilePhase>().Length];
    ProfileTarget _target = null!;
    FlopsCapture? _capture;
    long _firstStep;

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
    /// <value>Default null. DeepSpeed's <c>module_depth</c>.</value>
    public int? Depth { get; init; }

    /// <summary>Kinds of ops shown, the longest first.</summary>
    /// <value>Default 10.</value>
    public int TopOps { get; init; } = 10;

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
    }

    /// <inheritdoc/>
    protected internal override void OnStepStart(long step, long epoch, long timestamp)
    {
        if (_firstStep < 0) _firstStep = step;
        if (step - _firstStep < Step || Report is not null || _capture is not null || OpRecorder.IsRecording) return;
        if (OpRecorder.Unavailable is { } reason) _target.Logger?.LogWarning("FLOPs are estimated from the kinds of modules, forward only: {Reason}.", reason);
        Array.Clear(_phases);
        _capture = new FlopsCapture(_target.Model, SeesOps ?? OpRecorder.Unavailable is null);
    }

    /// <inheritdoc/>
    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span)
    {
        if (_capture is not null) _phases[(int)phase] += ProfileSpan.Time(span.OwnTicks);
    }

    /// <inheritdoc/>
    protected internal override void OnStepEnd(long step, long timestamp)
    {
        if (_capture is null) return;
        Report = _capture.Finish(step, _phases[(int)ProfilePhase.Forward], _phases[(int)ProfilePhase.Backward], _phases[(int)ProfilePhase.Optimizer]);
        _capture = null;
    }

    /// <inheritdoc/>
    protected internal override void OnEnd()
    {
        _capture?.Stop();
        _capture = null;
        if (Report is { } report) ProfileText.Publish(_target, "flops", FlopsTable.Of(report, Depth, TopOps), json => WriteJson(json, report));
        else _target.Logger?.LogWarning("No FLOPs were profiled: the run ended before its step {Step} was over.", Step);
    }

    /// <summary>The report as plain text; empty before there is one.</summary>
    public override string ToString() => Report is { } report ? ProfileText.Render(FlopsTable.Of(report, Depth, TopOps)) : "";

    static void WriteJson(Utf8JsonWriter json, FlopsReport report)
    {
        json.WriteStartObject();
        json.WriteNumber("step", report.Step);
        json.WriteBoolean("counted", report.IsCounted);
        json.WriteNumber("parameters", report.Parameters);
        json.WriteNumber("forwardSeconds", report.ForwardTime.TotalSeconds);
        json.WriteNumber("backwardSeconds", report.BackwardTime.TotalSeconds);
        json.WriteNumber("optimizerSeconds", report.OptimizerTime.TotalSeconds);
        json.WriteNumber("flopsPerSecond", report.FlopsPerSecond);
        json.WriteStartArray("modules");
        foreach (var module in report.Modules)
        {
            json.WriteStartObject();
            json.WriteString("name", module.Name);
            json.WriteString("type", module.Type);
            json.WriteNumber("depth", module.Depth);
            json.WriteNumber("parameters", module.Parameters);
            json.WriteNumber("calls", module.Calls);
            json.WriteNumber("forwardMacs", module.Forward.Macs);
            json.WriteNumber("forwardFlops", module.Forward.Flops);
            json.WriteNumber("forwardSeconds", module.ForwardTime.TotalSeconds);
            if (module.Backward is { } backward)
            {
                json.WriteNumber("backwardMacs", backward.Macs);
                json.WriteNumber("backwardFlops", backward.Flops);
                json.WriteNumber("backwardSeconds", module.BackwardTime!.Value.TotalSeconds);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("ops");
        foreach (var op in report.Ops)
        {
            json.WriteStartObject();
            json.WriteString("name", op.Name);
            json.WriteNumber("count", op.Count);
            json.WriteNumber("macs", op.Cost.Macs);
            json.WriteNumber("flops", op.Cost.Flops);
            json.WriteNumber("ownSeconds", op.OwnTime.TotalSeconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
