// One step, op by op. Module hooks give when which module ran; the recorder gives what ran when. A forward op belongs to the innermost module whose call it lies in; a backward
// node to the module of the op that made it, and with it the ops nested in the node. An op of a counted kind counts whole, and nothing that is nested in it.

using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Watches one step for a <see cref="FlopsReport"/>.</summary>
sealed class FlopsCapture
{
    readonly Module _model;
    readonly ModuleCalls _calls;
    readonly OpRecorder? _recorder;
    readonly int _thread = Environment.CurrentManagedThreadId;
    readonly Dictionary<Module, Totals> _totals = new(ReferenceEqualityComparer.Instance);
    readonly List<Call> _finished = [];
    readonly Stack<(Module Module, long Began)> _running = new();

    /// <param name="model">The model.</param>
    /// <param name="seesOps">Whether ops are recorded; else arithmetic is estimated from kinds of modules.</param>
    public FlopsCapture(Module model, bool seesOps)
    {
        _model = model;
        _calls = ModuleCalls.Watch(model, Entered, Left);
        if (seesOps) _recorder = OpRecorder.Start(new OpRecorderOptions { Shapes = true });
    }

    /// <summary>Ends watching and gives the report.</summary>
    public FlopsReport Finish(long step, TimeSpan forward, TimeSpan backward, TimeSpan optimizer)
    {
        Stop();
        var trace = _recorder?.Stop();
        var ops = new Dictionary<string, (long Count, OpCost Cost, long Ticks)>(StringComparer.Ordinal);
        if (trace is not null) Attribute(trace, ops);

        var modules = new List<ModuleCost>();
        var root = AddModule("", _model, 0, trace is not null, modules, new HashSet<Module>(ReferenceEqualityComparer.Instance));
        // The model's own pass is the phase: its step is not a call of a module.
        if (forward > TimeSpan.Zero) modules[0] = root with { ForwardTime = forward };
        if (trace is not null && backward > TimeSpan.Zero) modules[0] = modules[0] with { BackwardTime = backward };
        return new FlopsReport
        {
            Step = step,
            IsCounted = trace is not null,
            Parameters = root.Parameters,
            ForwardTime = forward > TimeSpan.Zero ? forward : root.ForwardTime,
            BackwardTime = backward > TimeSpan.Zero ? backward : root.BackwardTime ?? TimeSpan.Zero,
            OptimizerTime = optimizer,
            Modules = modules,
            Ops = [.. ops.Select(o => new OpTotal(o.Key, o.Value.Count, o.Value.Cost, ProfileSpan.Time(o.Value.Ticks))).OrderByDescending(o => o.OwnTime)],
        };
    }

    /// <summary>Takes everything off the model.</summary>
    public void Stop()
    {
        _calls.Dispose();
        _recorder?.Dispose();
    }

    void Entered(Module module) => _running.Push((module, Stopwatch.GetTimestamp()));

    void Left(Module module, ModuleCall call)
    {
        var now = Stopwatch.GetTimestamp();
        // Calls that threw never came back.
        while (_running.Count > 0)
        {
            var (entered, began) = _running.Pop();
            if (!ReferenceEquals(entered, module)) continue;
            var totals = Of(module);
            totals.Calls++;
            totals.ForwardTicks += now - began;
            if (_recorder is null && ModuleFlops.Of(module, call) is { } flops) totals.Forward += new OpCost(flops / 2, flops);
            _finished.Add(new Call(module, began, now));
            return;
        }
    }

    Totals Of(Module module) => _totals.TryGetValue(module, out var totals) ? totals : _totals[module] = new Totals();

    void Attribute(OpTrace trace, Dictionary<string, (long Count, OpCost Cost, long Ticks)> byName)
    {
        var makers = new Dictionary<(int Thread, long Began), (int Thread, long Began)>();
        foreach (var link in BackwardLinks.Of(trace)) makers[(link.NodeThread, link.Node.Began)] = (link.OpThread, link.Op.Began);
        var owners = new Dictionary<(int Thread, long Began), Module>();
        // The training thread's forward ops first: the nodes of other threads ask for their owners.
        foreach (var thread in trace.Threads.OrderBy(t => t.ThreadId == _thread ? 0 : 1))
        {
            var calls = thread.ThreadId == _thread ? new CallSweep(_finished) : null;
            Module? nodeOwner = null;
            var nodeUntil = long.MinValue;
            var countedUntil = long.MinValue;
            foreach (var (index, op) in thread.Records.Index())
            {
                if (op.Kind == OpKind.BackwardNode)
                {
                    if (op.Began < nodeUntil) continue;
                    nodeUntil = op.Ended;
                    nodeOwner = makers.TryGetValue((thread.ThreadId, op.Began), out var maker) ? owners.GetValueOrDefault(maker) ?? _model : _model;
                    Of(nodeOwner).BackwardTicks += op.Ticks;
                    continue;
                }
                var inBackward = op.Began < nodeUntil;
                var owner = inBackward ? nodeOwner! : calls?.At(op.Began) ?? _model;
                if (!inBackward) owners[(thread.ThreadId, op.Began)] = owner;
                var cost = op.Began < countedUntil ? null : OpCost.Of(op.Name, thread.Inputs(op), thread.Outputs(op));
                if (cost is { } counted)
                {
                    countedUntil = op.Ended;
                    if (inBackward) Of(owner).Backward += counted;
                    else Of(owner).Forward += counted;
                }
                var (count, sum, ticks) = byName.GetValueOrDefault(op.Name);
                byName[op.Name] = (count + 1, sum + (cost ?? default), ticks + OwnTicks(thread.Records, index));
            }
        }
    }

    /// <summary>An op's time less that of the ops directly in it.</summary>
    static long OwnTicks(IReadOnlyList<OpRecord> records, int index)
    {
        var op = records[index];
        var ticks = op.Ticks;
        for (var i = index + 1; i < records.Count && records[i].Depth > op.Depth; i++)
            if (records[i].Depth == op.Depth + 1) ticks -= records[i].Ticks;
        return ticks;
    }

    ModuleCost AddModule(string path, Module module, int depth, bool counted, List<ModuleCost> into, HashSet<Module> seen)
    {
        var at = into.Count;
        into.Add(null!);
        var own = _totals.GetValueOrDefault(module) ?? new Totals();
        var (forward, backward, backwardTime) = (own.Forward, own.Backward, ProfileSpan.Time(own.BackwardTicks));
        var childTime = TimeSpan.Zero;
        foreach (var (name, child) in module.named_children())
        {
            // A module in several places shows in the first, where all its calls are counted.
            if (!seen.Add(child)) continue;
            var cost = AddModule(path.Length == 0 ? name : $"{path}.{name}", child, depth + 1, counted, into, seen);
            forward += cost.Forward;
            backward += cost.Backward ?? default;
            backwardTime += cost.BackwardTime ?? TimeSpan.Zero;
            childTime += cost.ForwardTime;
        }
        return into[at] = new ModuleCost(
            path, ModelInspection.TypeName(module), depth,
            ModelInspection.Distinct(module.named_parameters().Select(p => (Tensor)p.parameter)).Sum(p => p.numel()),
            own.Calls, forward, counted ? backward : null,
            // What holds others and is not called itself, a list of blocks or the model, took their time.
            own.Calls > 0 ? ProfileSpan.Time(own.ForwardTicks) : childTime,
            counted ? backwardTime : null);
    }

    readonly record struct Call(Module Module, long Began, long Ended);

    sealed class Totals
    {
        public long Calls;
        public long ForwardTicks;
        public long BackwardTicks;
        public OpCost Forward;
        public OpCost Backward;
    }

    /// <summary>Finds the innermost call at rising moments.</summary>
    sealed class CallSweep(IEnumerable<Call> calls)
    {
        readonly Queue<Call> _coming = new(calls.OrderBy(c => c.Began).ThenByDescending(c => c.Ended));
        readonly Stack<Call> _open = new();

        public Module? At(long timestamp)
        {
            while (_coming.TryPeek(out var next) && next.Began <= timestamp) _open.Push(_coming.Dequeue());
            while (_open.TryPeek(out var call) && call.Ended <= timestamp) _open.Pop();
            return _open.TryPeek(out var innermost) ? innermost.Module : null;
        }
    }
}
