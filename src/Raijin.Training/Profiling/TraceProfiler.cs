using System.Globalization;
using Microsoft.Extensions.Logging;
using Raijin.Tensors;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// A timeline of some steps for <c>ui.perfetto.dev</c> or <c>chrome://tracing</c>: epochs, steps, phases, hooks, and within them libtorch's ops on the threads that ran them, with
/// arrows from an op to its backward node. Written to <c>profile/trace-STEP.json</c>, off the training thread.
/// </summary>
/// <remarks>
/// Ops are seen on Linux x64 (<see cref="OpRecorder"/>); elsewhere the trace holds everything else, and a message says why. Steps outside the schedule pay two readings of the
/// clock a phase.
/// </remarks>
public sealed class TraceProfiler : Profiler
{
    readonly List<TraceSpan> _spans = [];
    readonly List<string> _files = [];
    ProfileTarget _target = null!;
    OpRecorder? _recorder;
    Task _writing = Task.CompletedTask;
    TraceAction _action;
    long _firstStep;
    long _windowStep;
    long _windowBegan;
    long _stepBegan;
    long _epoch;
    long _lostSpans;
    int _thread;

    /// <summary>Which steps are traced.</summary>
    /// <value>Default: waits for one step, warms up in one, traces three, once.</value>
    public TraceSchedule Schedule { get; init; } = new();

    /// <summary>Whether libtorch's ops are traced: about 0.2 µs each.</summary>
    /// <value>Default true.</value>
    public bool Ops { get; init; } = true;

    /// <summary>Whether the shapes of ops' arguments are kept.</summary>
    /// <value>Default false. torch.profiler's <c>record_shapes</c>.</value>
    public bool Shapes { get; init; }

    /// <summary>Ops kept of each thread in one file; further ones are counted only. So are spans of the loop beyond as many.</summary>
    /// <value>Default 262,144: about 50 MB of JSON a thread.</value>
    public int MaxOpsPerThread { get; init; } = 1 << 18;

    /// <summary>The files written so far, complete.</summary>
    public IReadOnlyList<string> Files => [.. _files];

    /// <inheritdoc/>
    protected internal override void OnStart(ProfileTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        _target = target;
        _files.Clear();
        _spans.Clear();
        _firstStep = -1;
        _action = TraceAction.None;
        _thread = Environment.CurrentManagedThreadId;
        if (target.Folder is null) target.Logger?.LogWarning("A trace was asked for, but the run has no folder: nothing will be traced.");
        if (Ops && OpRecorder.Unavailable is { } reason) target.Logger?.LogWarning("The trace will hold no libtorch ops: {Reason}.", reason);
    }

    /// <inheritdoc/>
    protected internal override void OnStepStart(long step, long epoch, long timestamp)
    {
        if (_target.Folder is null) return;
        if (_firstStep < 0) _firstStep = step;
        var before = _action;
        _action = Schedule.At(step - _firstStep);
        _epoch = epoch;
        if (_action == TraceAction.Warmup) _recorder ??= Record();
        if (_action < TraceAction.Record) return;
        if (before < TraceAction.Record)
        {
            // What the warm-up recorded goes; the buffers it has touched stay.
            _recorder?.Dispose();
            _recorder = Record();
            _spans.Clear();
            _lostSpans = 0;
            (_windowStep, _windowBegan) = (step, timestamp);
        }
        _stepBegan = timestamp;
    }

    /// <inheritdoc/>
    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span) => Add(new TraceSpan(TraceKind.Phase, PhaseNames[(int)phase], span.Began, span.Ended, 0));

    /// <inheritdoc/>
    protected internal override void OnRegionEnd(ProfileRegion region, ProfileSpan span)
    {
        ArgumentNullException.ThrowIfNull(region);
        Add(new TraceSpan(TraceKind.Hook, region.Name, span.Began, span.Ended, 0));
    }

    /// <inheritdoc/>
    protected internal override void OnStepEnd(long step, long timestamp)
    {
        if (_action < TraceAction.Record) return;
        Add(new TraceSpan(TraceKind.Step, StepName, _stepBegan, timestamp, step) { Epoch = _epoch });
        if (_action != TraceAction.RecordAndSave) return;
        Save();
        _action = TraceAction.None;
    }

    /// <inheritdoc/>
    protected internal override void OnEnd()
    {
        // A run that ends within a window leaves what there is.
        if (_action >= TraceAction.Record && _spans.Count > 0) Save();
        _recorder?.Dispose();
        _recorder = null;
        _writing.GetAwaiter().GetResult();
        foreach (var file in _files) _target.Logger?.LogInformation("A trace for ui.perfetto.dev lies in {File}.", file);
    }

    const string StepName = "step";
    static readonly string[] PhaseNames = [.. Enum.GetNames<ProfilePhase>().Select(n => n.ToLowerInvariant())];

    OpRecorder? Record()
    {
        if (!Ops || OpRecorder.Unavailable is not null) return null;
        if (!OpRecorder.IsRecording) return OpRecorder.Start(new OpRecorderOptions { CapacityPerThread = MaxOpsPerThread, Shapes = Shapes });
        _target.Logger?.LogWarning("Another recording of libtorch's ops is under way: the trace will hold none of these steps.");
        return null;
    }

    void Add(TraceSpan span)
    {
        if (_action < TraceAction.Record) return;
        if (_spans.Count >= MaxOpsPerThread) _lostSpans++;
        else _spans.Add(span);
    }

    void Save()
    {
        var ops = _recorder?.Stop();
        _recorder = null;
        var window = new TraceWindow([.. _spans], ops, _windowBegan, _thread, _lostSpans);
        _spans.Clear();
        var path = _target.File(string.Create(CultureInfo.InvariantCulture, $"trace-{_windowStep:D8}.json"))!;
        var before = _writing;
        _writing = Task.Run(async () =>
        {
            await before.ConfigureAwait(false);
            var temporary = path + ".tmp";
            await using (var file = File.Create(temporary)) ChromeTrace.Write(file, window);
            File.Move(temporary, path, overwrite: true);
            lock (_files) _files.Add(path);
        });
        if (window.Ops is { Dropped: > 0 }) _target.Logger?.LogWarning("The trace lacks {Count} ops: raise MaxOpsPerThread or trace fewer steps.", window.Ops.Dropped);
    }
}
