using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Stage 3's order of events, by watching the calls of unit modules: gather before forward, let go after it; gather again when the gradient of an output comes back, let go when the unit's own gradients and those of its inputs
/// are complete. Control flow may differ from step to step, as long as it is the same on every rank.
/// </summary>
/// <remarks>What autograd saved are views of the parameters' memory, which empties and refills under them. A prefetch that was not needed is a lost copy, nothing more.</remarks>
sealed class GatherScheduler : IDisposable
{
    readonly GatherPool _pool;
    readonly List<IDisposable> _watches = [];
    readonly Dictionary<ShardUnit, Backward> _backward = [];
    readonly Dictionary<(ShardUnit Unit, bool IsBackward), ShardUnit> _successors = [];
    readonly Dictionary<ShardedParameter, ShardUnit> _unitOf = [];
    readonly int _ahead;
    ShardUnit? _last;
    bool _lastWasBackward;

    /// <param name="units">Those that are divided.</param>
    /// <param name="ahead">How many units are gathered ahead.</param>
    /// <param name="pool">Where they are gathered.</param>
    public GatherScheduler(IReadOnlyList<ShardUnit> units, int ahead, GatherPool pool)
    {
        _pool = pool;
        _ahead = ahead;
        foreach (var unit in units)
        {
            var backward = new Backward(unit.Parameters.Count(p => p.IsTrainable));
            _backward.Add(unit, backward);
            foreach (var parameter in unit.Parameters) _unitOf.Add(parameter, unit);
            _watches.Add(unit.Module!.Watch(() => Need(unit, isBackward: false), (tensor, isOutput) => Attach(unit, backward, tensor, isOutput), unit.Done));
        }
    }

    /// <summary>A parameter's gradient of this pass is complete.</summary>
    public void GradientTaken(ShardedParameter parameter)
    {
        if (!_unitOf.TryGetValue(parameter, out var unit)) return;
        var backward = _backward[unit];
        backward.Taken++;
        ReleaseIfDone(unit, backward);
    }

    /// <summary>Backward is over: lets everything go that is still there.</summary>
    public void EndPass()
    {
        foreach (var (unit, backward) in _backward)
        {
            if (backward.IsHeld) unit.Done();
            backward.Reset();
            if (unit.State == UnitState.Gathering) unit.Abandon();
        }
        _last = null;
        // The update needs the room.
        _pool.Trim();
    }

    Tensor Attach(ShardUnit unit, Backward backward, Tensor tensor, bool isOutput)
    {
        if (!tensor.requires_grad || !is_grad_enabled()) return tensor;
        if (isOutput)
            return GradientHooks.OnGradient(tensor, _ =>
            {
                if (backward.IsHeld) return null;
                Need(unit, isBackward: true);
                backward.IsHeld = true;
                return null;
            });
        if (tensor.is_leaf) return tensor;
        backward.Inputs++;
        GradientHooks.OnGradient(tensor, _ =>
        {
            backward.InputsDone++;
            ReleaseIfDone(unit, backward);
            return null;
        });
        return tensor;
    }

    void ReleaseIfDone(ShardUnit unit, Backward backward)
    {
        if (!backward.IsHeld || backward.Taken < backward.Trainable || backward.InputsDone < backward.Inputs) return;
        backward.IsHeld = false;
        unit.Done();
    }

    void Need(ShardUnit unit, bool isBackward)
    {
        unit.Need(CancellationToken.None);
        if (_last is not null) _successors[(_last, _lastWasBackward)] = unit;
        (_last, _lastWasBackward) = (unit, isBackward);
        var next = unit;
        for (var i = 0; i < _ahead && _successors.TryGetValue((next, isBackward), out next!); i++)
            if (next.CanPrefetch) next.Prefetch();
        // What lies on a disk is on its way before it is gathered.
        if (next is not null && _successors.TryGetValue((next, isBackward), out next!)) next.ReadAhead();
    }

    public void Dispose()
    {
        foreach (var watch in _watches) watch.Dispose();
    }

    /// <summary>What of a unit's backward pass has happened.</summary>
    sealed class Backward(int trainable)
    {
        public int Trainable => trainable;

        public bool IsHeld { get; set; }

        public int Taken { get; set; }

        public int Inputs { get; set; }

        public int InputsDone { get; set; }

        public void Reset() => (IsHeld, Taken, Inputs, InputsDone) = (false, 0, 0, 0);
    }
}
