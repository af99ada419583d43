using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// Between steps, values, gradients and state can be set by the names and in the shapes of the module, whatever divides them; or each rank sets its own part.
public sealed partial class ShardedModel
{
    const string Master = "master";

    /// <summary>Sets the value of a parameter, and its master where an optimizer keeps one in float32. All ranks call it with the same values.</summary>
    /// <param name="name">Its name in the module.</param>
    /// <param name="values">Whole, of the parameter's shape; any floating type. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">They have another shape.</exception>
    public void SetParameter(string name, Tensor values)
    {
        var parameter = Named(name);
        Check(name, values, parameter.Shape);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var buffer = parameter.Buffer;
        if (!buffer.IsDivided || _units.First(unit => unit.Buffers.Contains(buffer)).State == UnitState.Full) parameter.Real.copy_(values);
        if (buffer.IsDivided && PartOf(parameter) is { } piece) WriteShard(buffer, piece, values.reshape(-1).narrow(0, piece.Start, piece.NumElements));
        buffer.ShardChanged();
        SetMaster(parameter, values.reshape(-1), start: 0);
    }

    /// <summary>Sets the reduced gradient of a parameter. All ranks call it with the same values, after <see cref="FinishBackward"/> and before the update.</summary>
    /// <param name="name">Its name in the module.</param>
    /// <param name="values">Whole, of the parameter's shape; any floating type. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">They have another shape.</exception>
    /// <exception cref="InvalidOperationException">No rank has a gradient of it.</exception>
    public void SetGradient(string name, Tensor values)
    {
        var parameter = Named(name);
        Check(name, values, parameter.Shape);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        if (_reducer is not null && _context.DividesUpdates)
        {
            var bucket = ReducedOf(parameter) ?? throw NoGradient(name);
            if (PartOf(parameter) is { } piece) bucket.Measured.narrow(0, piece.OffsetInSlice, piece.NumElements).copy_(values.reshape(-1).narrow(0, piece.Start, piece.NumElements));
            return;
        }
        if (!GradientAccess.HasGradient(parameter.Real)) throw NoGradient(name);
        parameter.Real.grad!.copy_(values);
    }

    /// <summary>Changes gradients one after another: each is brought together, given to <paramref name="change"/>, and what comes back is set. All ranks call it.</summary>
    /// <param name="names">Names in the module; those that no rank has a gradient of are passed over.</param>
    /// <param name="change">Gets the name and the whole gradient; gives the new one, which may be the same tensor. It is freed afterwards.</param>
    public void UpdateGradients(IEnumerable<string> names, Func<string, Tensor, Tensor> change)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(change);
        using var none = no_grad();
        foreach (var name in names)
        {
            using var scope = NewDisposeScope();
            using var gradient = FullGradient(name);
            if (gradient is null) continue;
            using var changed = change(name, gradient);
            SetGradient(name, changed);
        }
    }

    /// <summary>Sets a tensor of the state that its optimizer keeps for a parameter. All ranks call it with the same values.</summary>
    /// <param name="name">The parameter, by its name in the module.</param>
    /// <param name="slot">The slot, such as <c>exp_avg</c>.</param>
    /// <param name="values">Whole, of the slot's shape; any floating type. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">They have another shape.</exception>
    /// <exception cref="InvalidOperationException">No optimizer trains it, or it has had no update, and so no state, yet.</exception>
    /// <exception cref="ArgumentException">There is no such slot.</exception>
    public void SetState(string name, string slot, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var parameter = Named(name);
        var (updater, key, _) = OptimizerOf(parameter);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var state = updater.CaptureState();
        var divided = _reducer is not null && _context.DividesUpdates;
        if (!state.Scalars.ParameterUpdates.ContainsKey(key)) throw NoState(name);
        var here = state.Slots(key);
        ThrowUnlessKept(updater, parameter, here, slot);
        Check($"{slot} of {name}", values, divided ? parameter.Shape : here[slot].shape);
        if (!divided) WriteState(Here(updater), key, slot, values);
        else if (PartOf(parameter) is { } piece) WriteState(Here(updater), key, slot, values.reshape(-1).narrow(0, piece.Start, piece.NumElements));
    }

    /// <summary>Sets this rank's part of a parameter (<see cref="LocalParameter"/>), and of its master. When each rank has set its parts, all call <see cref="ShareUpdated"/>.</summary>
    /// <param name="name">Its name in the module.</param>
    /// <param name="values">As many as the part has, flat; any floating type. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">They are another number.</exception>
    /// <exception cref="InvalidOperationException">This rank has no part of it.</exception>
    /// <exception cref="NotSupportedException">Every rank updates all: in stage 0.</exception>
    public void SetLocalParameter(string name, Tensor values)
    {
        var (parameter, piece) = OwnPart(name, values);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        WriteShard(parameter.Buffer, piece, values);
        SetMaster(parameter, values, piece.Start);
    }

    /// <summary>Sets this rank's part of a reduced gradient (<see cref="LocalGradient"/>). Nobody else is told.</summary>
    /// <inheritdoc cref="SetLocalParameter"/>
    public void SetLocalGradient(string name, Tensor values)
    {
        var (parameter, piece) = OwnPart(name, values);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        if (LocalGradient(parameter.Name) is not var (_, gradient)) throw NoGradient(name);
        gradient.copy_(values);
    }

    /// <summary>Sets this rank's part of a tensor of an optimizer's state (<see cref="LocalState"/>). Nobody else is told.</summary>
    /// <param name="name">The parameter, by its name in the module.</param>
    /// <param name="slot">The slot, such as <c>exp_avg</c>.</param>
    /// <param name="values">As many as the part has, flat; any floating type. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">They are another number.</exception>
    /// <exception cref="InvalidOperationException">This rank has no part of it, no optimizer trains it, or it has had no update yet.</exception>
    /// <exception cref="NotSupportedException">Every rank updates all: in stage 0.</exception>
    public void SetLocalState(string name, string slot, Tensor values)
    {
        var (parameter, _) = OwnPart(name, values);
        var (updater, key, _) = OptimizerOf(parameter);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        if (!Here(updater).CaptureState().Slots(key).ContainsKey(slot)) throw NoState(name);
        WriteState(Here(updater), key, slot, values);
    }

    /// <summary>Makes one rank's values of all parameters, which are whole everywhere, everyone's.</summary>
    void TakeValuesOf(int rank)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        foreach (var buffer in _units.SelectMany(unit => unit.Buffers))
        {
            if (World.Size > 1) World.Broadcast(buffer.Full, rank);
            if (buffer.IsDivided)
            {
                using var slice = buffer.Slice(buffer.Full);
                using var shard = buffer.OpenShard(changes: true);
                buffer.Shard.copy_(slice);
            }
            buffer.ShardChanged();
        }
    }

    static void WriteShard(FlatBuffer buffer, FlatPiece piece, Tensor values)
    {
        using (buffer.OpenShard(changes: true)) buffer.Shard.narrow(0, piece.OffsetInSlice, piece.NumElements).copy_(values);
        buffer.ShardChanged();
    }

    // Masters follow what is written to their parameters, but in the parameters' own type. What was kept of them for the first update is set too.
    void SetMaster(ShardedParameter parameter, Tensor values, long start)
    {
        if (parameter.DType is not (ScalarType.BFloat16 or ScalarType.Float16) || FindOptimizer(parameter) is not var (updater, key, masters)) return;
        if (masters?.GetValueOrDefault(key) is { } kept) kept.view(-1).narrow(0, start, values.NumberOfElements).copy_(values);
        if (!Here(updater).CaptureState().Slots(key).TryGetValue(Master, out var master)) return;
        // The part that is kept here may be less than what is given.
        var first = master.NumberOfElements < values.NumberOfElements ? PartOf(parameter)!.Value.Start - start : 0;
        WriteState(Here(updater), key, Master, values.narrow(0, first, master.NumberOfElements));
    }

    static void WriteState(IParameterUpdater here, string key, string slot, Tensor values)
    {
        if (here is TieredOptimizer tiered)
        {
            tiered.SetState(key, slot, values.reshape(-1));
            return;
        }
        var state = here.CaptureState().Slots(key)[slot];
        state.copy_(values.reshape(state.shape));
    }

    // A rank without a part of the parameter has no slots to look at: from stage 1 on the algorithm says which there are.
    void ThrowUnlessKept(IParameterUpdater updater, ShardedParameter parameter, IReadOnlyDictionary<string, Tensor> here, string slot)
    {
        IReadOnlyList<string> slots = _reducer is null || !_context.DividesUpdates ? [.. here.Keys]
            : parameter.DType is ScalarType.BFloat16 or ScalarType.Float16 ? [.. updater.Algorithm.Slots, Master]
            : updater.Algorithm.Slots;
        if (!slots.Contains(slot)) throw new ArgumentException($"{updater.Algorithm.GetType().Name} keeps no '{slot}' for '{parameter.Name}'. It keeps {string.Join(", ", slots)}.", nameof(slot));
    }

    (ShardedParameter Parameter, FlatPiece Piece) OwnPart(string name, Tensor values)
    {
        var parameter = Named(name);
        if (!_context.DividesUpdates) throw new NotSupportedException($"In stage 0 every rank updates all of '{name}', and a part alone would part the ranks: set it whole.");
        if (PartOf(parameter) is not { } piece) throw new InvalidOperationException($"This rank has no part of '{name}'.");
        Check($"this rank's part of {name}", values, [piece.NumElements]);
        return (parameter, piece);
    }

    static void Check(string name, Tensor values, IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (!values.shape.SequenceEqual(shape)) ShapeMismatchException.Throw(name, $"[{string.Join(", ", shape)}]", $"[{string.Join(", ", values.shape)}]");
    }

    static InvalidOperationException NoGradient(string name) => new($"No rank has a gradient of '{name}' now: set it after FinishBackward, and before gradients are cleared.");

    static InvalidOperationException NoState(string name) => new($"'{name}' has had no update yet, and so no state: set it after the first one.");
}
