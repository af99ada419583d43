// Whose an op is. In a forward pass: the innermost module's whose call it lies in. In a backward pass: that of the op that made the node it lies in. A forward pass within a node
// repeats one that was done before (recomputation): its time is the node's, its arithmetic no part of what the model computes, and counted apart. An op of a counted kind counts
// whole, and nothing that is nested in it.
//
// An op carries the number that the thread's next node will get; of several with one number the last begun made the node. A function of the user's own (CustomFunction) is no op: its
// node is its whose op came last before the numbers went on. The outermost nodes were made on the training thread, wherever they run; nested ones, which a backward pass within a node
// runs, where they run. A node lies in a frame of the engine's, and what is beside it there (sums over what was broadcast, gradients that come together) is its work too.

using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Works out what each module computed in a step, and how long it took.</summary>
/// <param name="model">The model; what is no module's in it is its own.</param>
/// <param name="thread">The training thread.</param>
/// <param name="calls">The modules' calls.</param>
/// <param name="phases">The step's phases, in order.</param>
sealed class FlopsAttribution(Module model, int thread, IReadOnlyList<ModuleSpan> calls, IReadOnlyList<PhaseSpan> phases)
{
    const string Frame = "autograd::engine::evaluate_function: ";

    readonly Dictionary<Module, Totals> _totals = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<string, OpEntry> _ops = new(StringComparer.Ordinal);
    // Callers before what they call.
    readonly ModuleSpan[] _calls = [.. calls.OrderBy(c => c.Began).ThenByDescending(c => c.Ended)];
    List<(long Began, long Ended)>? _backward;
    bool _seesOps;

    /// <summary>What the update computed in ops of libtorch; fused updates are none.</summary>
    public OpCost Optimizer { get; private set; }

    /// <summary>Adds what was recorded.</summary>
    public void Add(OpTrace trace)
    {
        _seesOps = true;
        _backward = [];
        Owners? training = null;
        if (trace.Threads.FirstOrDefault(t => t.ThreadId == thread) is { } own) training = Add(own, null);
        // Nodes of other devices run on threads of libtorch's, those of the host where the pass was begun: other threads train or load something else there, as one does anywhere that makes nodes of its own.
        if (model.parameters().All(p => p.device_type is TorchSharp.DeviceType.CPU or TorchSharp.DeviceType.META)) return;
        foreach (var other in trace.Threads)
            if (other.ThreadId != thread && training is not null && !MakesNodes(other)) Add(other, training);
    }

    /// <summary>Adds the modules' calls; after the ops, which tell what of them was recomputation.</summary>
    public void AddCalls()
    {
        var backward = _backward ?? [.. phases.Where(p => p.Phase == ProfilePhase.Backward).Select(p => (p.Span.Began, p.Span.Ended))];
        var next = 0;
        foreach (var call in _calls)
        {
            while (next < backward.Count && backward[next].Ended <= call.Began) next++;
            var totals = Of(call.Module);
            var cost = new OpCost(call.Flops / 2, call.Flops);
            if (call.Thread != thread || (next < backward.Count && backward[next].Began <= call.Began))
            {
                totals.Recomputed += cost;
                continue;
            }
            totals.Calls++;
            totals.ForwardTicks += call.Ended - call.Began;
            totals.Forward += cost;
        }
    }

    /// <summary>The model and all in it, parents first.</summary>
    public List<ModuleCost> Modules()
    {
        var modules = new List<ModuleCost>();
        Add("", model, 0, modules, new HashSet<Module>(ReferenceEqualityComparer.Instance));
        return modules;
    }

    /// <summary>The kinds of ops, the longest first.</summary>
    public IReadOnlyList<OpTotal> Ops() => [.. _ops.Values.Where(o => o.Count > 0).Select(o => new OpTotal(o.Name, o.Count, o.Cost, ProfileSpan.Time(o.Ticks))).OrderByDescending(o => o.OwnTime)];

    Owners Add(ThreadOps ops, Owners? training)
    {
        var records = ops.Records;
        var owners = new Owners(records);
        var sweep = new CallSweep(_calls, ops.ThreadId);
        var nodes = new Stack<Node>();
        var open = new List<OpEntry?>();
        var countedBelow = int.MaxValue;
        var phase = 0;
        for (var index = 0; index < records.Count; index++)
        {
            var op = records[index];
            while (nodes.TryPeek(out var last) && last.Depth >= op.Depth) nodes.Pop();
            var isWithinCounted = op.Depth > countedBelow;
            if (!isWithinCounted) countedBelow = int.MaxValue;
            if (op.Kind == OpKind.BackwardNode)
            {
                Open(open, op.Depth, null, op.Ticks);
                // Its frame has been met already.
                if (nodes.TryPeek(out var frame) && frame.Depth == op.Depth - 1) continue;
            }
            if (NodeAt(records, index) is { } begun)
            {
                // Nested: its time is not that of the node around it.
                var around = nodes.TryPeek(out var outer);
                if (around) Of(outer.Owner).BackwardTicks -= op.Ticks;
                else if (training is null) _backward!.Add((op.Began, op.Ended));
                var owner = (around || training is null ? owners : training).OfNode(begun) ?? model;
                Of(owner).BackwardTicks += op.Ticks;
                nodes.Push(new(owner, op.Began, op.Ended, op.Depth));
                if (op.Kind == OpKind.BackwardNode) continue;
            }
            if (training is not null && nodes.Count == 0) continue;

            var entry = Entry(op.Name);
            entry.Count++;
            entry.Ticks += op.Ticks;
            Open(open, op.Depth, entry, op.Ticks);

            var call = sweep.At(op.Began);
            var isBackward = nodes.TryPeek(out var node);
            var isRepeated = isBackward && (call is { } within && within.Began >= node.Began || owners.HasRunBy(index, node.Ended));
            owners[index] = call is { } made && (!isBackward || made.Began >= node.Began) ? made.Module : isBackward ? node.Owner : model;

            if (isWithinCounted || !entry.Counts || OpCost.Of(op.Name, ops.Inputs(op), ops.Outputs(op)) is not { } cost) continue;
            countedBelow = op.Depth;
            entry.Cost += cost;
            var totals = Of(owners[index]!);
            if (isRepeated) totals.Recomputed += cost;
            else if (isBackward) totals.Backward += cost;
            else if (call is not null) totals.Forward += cost;
            else AddToPhase(PhaseAt(op.Began, ref phase), cost);
        }
        return owners;
    }

    // The node that begins here: the record itself, or the one in this frame of the engine's.
    static OpRecord? NodeAt(IReadOnlyList<OpRecord> records, int index)
    {
        var op = records[index];
        if (op.Kind == OpKind.BackwardNode) return op;
        if (!op.Name.StartsWith(Frame, StringComparison.Ordinal)) return null;
        for (var next = index + 1; next < records.Count && records[next].Depth > op.Depth; next++)
            if (records[next].Kind == OpKind.BackwardNode && records[next].Depth == op.Depth + 1) return records[next];
        return null;
    }

    // What no module ran: the loss is the model's, the update is the optimizer's, loading and logging are nobody's.
    void AddToPhase(ProfilePhase phase, OpCost cost)
    {
        if (phase == ProfilePhase.Optimizer) Optimizer += cost;
        else if (phase is ProfilePhase.Forward or ProfilePhase.Backward or ProfilePhase.Loop) Of(model).Forward += cost;
    }

    ProfilePhase PhaseAt(long timestamp, ref int phase)
    {
        while (phase < phases.Count && phases[phase].Span.Ended <= timestamp) phase++;
        return phase < phases.Count ? phases[phase].Phase : ProfilePhase.Loop;
    }

    // An op's own time is without that of the ops directly in it.
    static void Open(List<OpEntry?> open, int depth, OpEntry? entry, long ticks)
    {
        while (open.Count <= depth) open.Add(null);
        open[depth] = entry;
        if (depth > 0 && open[depth - 1] is { } parent) parent.Ticks -= ticks;
    }

    static bool MakesNodes(ThreadOps ops)
    {
        var nodeDepth = int.MaxValue;
        foreach (var op in ops.Records)
        {
            if (op.Depth <= nodeDepth) nodeDepth = op.Kind == OpKind.BackwardNode ? op.Depth : int.MaxValue;
            if (nodeDepth == int.MaxValue && op.Sequence >= 0) return true;
        }
        return false;
    }

    Totals Of(Module module) => _totals.TryGetValue(module, out var totals) ? totals : _totals[module] = new Totals();

    OpEntry Entry(string name) => _ops.TryGetValue(name, out var entry) ? entry : _ops[name] = new OpEntry(name);

    ModuleCost Add(string path, Module module, int depth, List<ModuleCost> into, HashSet<Module> seen)
    {
        var at = into.Count;
        into.Add(null!);
        var own = _totals.GetValueOrDefault(module) ?? new Totals();
        var (forward, backward, recomputed, backwardTime) = (own.Forward, own.Backward, own.Recomputed, ProfileSpan.Time(own.BackwardTicks));
        var childTime = TimeSpan.Zero;
        foreach (var (name, child) in module.named_children())
        {
            // A module in several places shows in the first, where all its calls are counted.
            if (!seen.Add(child)) continue;
            var cost = Add(path.Length == 0 ? name : $"{path}.{name}", child, depth + 1, into, seen);
            forward += cost.Forward;
            backward += cost.Backward ?? default;
            recomputed += cost.Recomputed;
            backwardTime += cost.BackwardTime ?? TimeSpan.Zero;
            childTime += cost.ForwardTime;
        }
        return into[at] = new ModuleCost(
            path, ModelInspection.TypeName(module), depth,
            ModelInspection.Distinct(module.named_parameters().Select(p => (Tensor)p.parameter)).Sum(p => p.numel()),
            own.Calls, forward, _seesOps ? backward : null, recomputed,
            // What holds others and is not called itself, a list of blocks or the model, took their time.
            own.Calls > 0 ? ProfileSpan.Time(own.ForwardTicks) : childTime,
            _seesOps ? backwardTime : null);
    }

    readonly record struct Node(Module Owner, long Began, long Ended, int Depth);

    sealed class Totals
    {
        public long Calls;
        public long ForwardTicks;
        public long BackwardTicks;
        public OpCost Forward;
        public OpCost Backward;
        public OpCost Recomputed;
    }

    sealed class OpEntry(string name)
    {
        public readonly string Name = name;
        public readonly bool Counts = OpCost.Counts(name);
        public long Count;
        public long Ticks;
        public OpCost Cost;
    }

    /// <summary>Whose the ops of a thread are, and which of them made nodes.</summary>
    sealed class Owners
    {
        readonly IReadOnlyList<OpRecord> _records;
        readonly Module?[] _owners;
        // The last op of each number, in rising order of both, and the nodes they made.
        readonly List<(long Number, int Index)> _makers = [];
        readonly Dictionary<int, OpRecord> _nodes = [];

        public Owners(IReadOnlyList<OpRecord> records)
        {
            _records = records;
            _owners = new Module?[records.Count];
            for (var index = 0; index < records.Count; index++)
            {
                var op = records[index];
                if (op.Sequence < 0) continue;
                if (op.Kind == OpKind.Op)
                {
                    if (_makers.Count > 0 && _makers[^1].Number == op.Sequence) _makers[^1] = (op.Sequence, index);
                    else _makers.Add((op.Sequence, index));
                }
                else if (Find(op.Sequence) is >= 0 and var at) _nodes[_makers[at].Index] = op;
            }
        }

        public Module? this[int index]
        {
            get => _owners[index];
            set => _owners[index] = value;
        }

        /// <summary>Whether an op made a node that has run by then.</summary>
        public bool HasRunBy(int index, long moment) => _nodes.TryGetValue(index, out var node) && node.Ended <= moment;

        public Module? OfNode(in OpRecord node)
        {
            if (node.Sequence < 0) return null;
            var at = Find(node.Sequence);
            if (at >= 0) return _records[_makers[at].Index].Began < node.Began ? _owners[_makers[at].Index] : null;
            return ~at < _makers.Count && _makers[~at].Index > 0 ? _owners[_makers[~at].Index - 1] : null;
        }

        int Find(long number) => _makers.BinarySearch((number, 0), ByNumber);

        static readonly Comparer<(long Number, int Index)> ByNumber = Comparer<(long Number, int Index)>.Create((a, b) => a.Number.CompareTo(b.Number));
    }

    /// <summary>Finds the innermost call of a thread at rising moments.</summary>
    sealed class CallSweep(ModuleSpan[] calls, int thread)
    {
        readonly Stack<ModuleSpan> _open = new();
        int _next;

        public ModuleSpan? At(long timestamp)
        {
            for (; _next < calls.Length && calls[_next].Began <= timestamp; _next++)
                if (calls[_next].Thread == thread) _open.Push(calls[_next]);
            while (_open.TryPeek(out var call) && call.Ended <= timestamp) _open.Pop();
            return _open.TryPeek(out var innermost) ? innermost : null;
        }
    }
}
