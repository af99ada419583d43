// Watches one step and keeps what it saw as it was: when modules ran, when phases did, which ops libtorch ran. What belongs to whom is worked out when the step is over
// (FlopsAttribution), so that the step itself pays for two clock readings a module and for the recording alone.

using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>A call of a module: from its hooks.</summary>
/// <param name="Module">Which.</param>
/// <param name="Thread">On which thread.</param>
/// <param name="Began">When it began, in ticks of <see cref="Stopwatch"/>.</param>
/// <param name="Ended">When it ended.</param>
/// <param name="Flops">What it computes by its kind; 0 where ops are seen.</param>
readonly record struct ModuleSpan(Module Module, int Thread, long Began, long Ended, long Flops);

/// <summary>A phase of the step.</summary>
readonly record struct PhaseSpan(ProfilePhase Phase, ProfileSpan Span);

/// <summary>Watches one step for a <see cref="FlopsReport"/>.</summary>
sealed class FlopsCapture
{
    static int s_isRehearsed;

    readonly Module _model;
    readonly ModuleCalls _calls;
    readonly List<ModuleSpan> _spans = [];
    readonly List<PhaseSpan> _phases = [];
    readonly Stack<(Module Module, long Began)> _running = new();
    OpRecorder? _recorder;
    int _thread;

    /// <summary>Hooks onto the model's modules; nothing is kept before <see cref="TryStart"/>.</summary>
    /// <param name="model">The model.</param>
    public FlopsCapture(Module model)
    {
        _model = model;
        _calls = ModuleCalls.Watch(model, Entered, Left);
    }

    /// <summary>Whether a step is being watched.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Begins to watch a step; false while somebody else records ops.</summary>
    /// <param name="seesOps">Whether ops are recorded; else arithmetic is estimated from kinds of modules.</param>
    public bool TryStart(bool seesOps)
    {
        if (seesOps && (_recorder = OpRecorder.TryStart(new OpRecorderOptions { Shapes = true })) is null) return false;
        _thread = Environment.CurrentManagedThreadId;
        return IsStarted = true;
    }

    /// <summary>Has all of it compiled, by watching something small, so that the step that is timed does not wait for that. Once in a process; draws no random number.</summary>
    public static void Rehearse()
    {
        if (Interlocked.Exchange(ref s_isRehearsed, 1) != 0) return;
        using var scope = TensorScope.Open();
        using var gradients = enable_grad();
        using var model = Sequential(("layer", ReLU()));
        var capture = new FlopsCapture(model);
        if (!capture.TryStart(seesOps: true))
        {
            capture.Stop();
            return;
        }
        var input = ones([2, 3], requires_grad: true);
        model.call(input).mm(ones(3, 2)).sum().backward();
        input.grad?.Dispose();
        capture.Finish(0, null, 1);
    }

    /// <summary>A phase is over.</summary>
    public void Saw(ProfilePhase phase, ProfileSpan span)
    {
        if (IsStarted) _phases.Add(new(phase, span));
    }

    /// <summary>Ends watching and gives the report.</summary>
    /// <param name="step">Which step it was.</param>
    /// <param name="samples">What it trained on, over all ranks; null where that is not known.</param>
    /// <param name="ranks">How many ranks there are.</param>
    public FlopsReport Finish(long step, long? samples, int ranks)
    {
        Stop();
        var trace = _recorder?.Stop();
        var attribution = new FlopsAttribution(_model, _thread, _spans, _phases);
        if (trace is not null) attribution.Add(trace);
        attribution.AddCalls();

        var modules = attribution.Modules();
        var (forward, backward) = (Time(ProfilePhase.Forward), Time(ProfilePhase.Backward));
        // The model's own pass is the phase: its step is not a call of a module.
        if (forward > TimeSpan.Zero) modules[0] = modules[0] with { ForwardTime = forward };
        if (trace is not null && backward > TimeSpan.Zero) modules[0] = modules[0] with { BackwardTime = backward };
        return new FlopsReport
        {
            Step = step,
            IsCounted = trace is not null,
            NumDropped = trace?.Dropped ?? 0,
            Parameters = modules[0].Parameters,
            Samples = samples,
            Ranks = ranks,
            ForwardTime = modules[0].ForwardTime,
            BackwardTime = backward > TimeSpan.Zero ? backward : modules[0].BackwardTime ?? TimeSpan.Zero,
            ReduceTime = Time(ProfilePhase.Reduce),
            OptimizerTime = Time(ProfilePhase.Optimizer),
            Optimizer = attribution.Optimizer,
            Modules = modules,
            Ops = attribution.Ops(),
        };
    }

    /// <summary>Takes everything off the model.</summary>
    public void Stop()
    {
        _calls.Dispose();
        _recorder?.Dispose();
    }

    TimeSpan Time(ProfilePhase phase) => ProfileSpan.Time(_phases.Where(p => p.Phase == phase).Sum(p => p.Span.OwnTicks));

    void Entered(Module module)
    {
        if (IsStarted) _running.Push((module, Stopwatch.GetTimestamp()));
    }

    void Left(Module module, ModuleCall call)
    {
        var now = Stopwatch.GetTimestamp();
        // Calls that threw never came back.
        while (_running.TryPop(out var running))
        {
            if (!ReferenceEquals(running.Module, module)) continue;
            _spans.Add(new(module, Environment.CurrentManagedThreadId, running.Began, now, _recorder is null ? ModuleFlops.Of(module, call) ?? 0 : 0));
            return;
        }
    }
}
