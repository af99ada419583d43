using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

public sealed partial class ShardedModel
{
    /// <summary>Every parameter whole, on every rank, for as long as it is open: to look at, to save, to compute with outside the units' calls. All ranks open and close it.</summary>
    /// <param name="changedBy">The rank whose values are everyone's when it is closed; null where nothing is changed: then values that were written are lost where parameters are divided.</param>
    public IDisposable Gather(int? changedBy = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (changedBy is { } rank && (rank < 0 || rank >= World.Size)) throw new ArgumentOutOfRangeException(nameof(changedBy), rank, $"There are ranks 0 to {World.Size - 1}.");
        var divided = _units.Where(u => u.Buffers.Any(b => b.IsDivided)).ToList();
        foreach (var unit in divided) unit.Need(CancellationToken.None);
        return new Gathered(this, divided, changedBy);
    }

    /// <summary>The value of a parameter, whole, on every rank. All ranks call it.</summary>
    /// <param name="name">Its name in the module.</param>
    /// <returns>A copy; the caller owns it.</returns>
    public Tensor FullParameter(string name)
    {
        var parameter = Named(name);
        using var none = no_grad();
        if (!parameter.Buffer.IsDivided) return parameter.Real.clone().DetachFromDisposeScope();
        using var shard = parameter.Buffer.OpenShard();
        return WholeOf(parameter, parameter.Buffer.Shard);
    }

    /// <summary>The reduced gradient of a parameter, whole, on every rank; null where no rank has one. All ranks call it, after <see cref="FinishBackward"/> and before gradients are cleared.</summary>
    /// <returns>A copy; the caller owns it.</returns>
    public Tensor? FullGradient(string name)
    {
        var parameter = Named(name);
        using var none = no_grad();
        if (_reducer is null || !_context.DividesUpdates) return GradientAccess.HasGradient(parameter.Real) ? parameter.Real.grad!.clone().DetachFromDisposeScope() : null;
        return ReducedOf(parameter) is { } bucket ? WholeOf(parameter, bucket.Measured) : null;
    }

    /// <summary>A tensor of an optimizer's state, whole, on every rank; null where the parameter has had no update yet. All ranks call it.</summary>
    /// <param name="optimizer">One of <see cref="CreateOptimizer"/>.</param>
    /// <param name="name">The parameter, by its name in the optimizer's groups.</param>
    /// <param name="slot">The slot, such as <c>exp_avg</c>.</param>
    /// <returns>A copy; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The optimizer keeps no such slot.</exception>
    public Tensor? FullState(IParameterUpdater optimizer, string name, string slot)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        using var none = no_grad();
        return FullState(optimizer, name, slot, Owners(optimizer)[name]);
    }

    /// <summary>The same by the parameter's name in the module, of the optimizer that trains it.</summary>
    /// <exception cref="InvalidOperationException">No optimizer does.</exception>
    /// <exception cref="ArgumentException">It keeps no such slot.</exception>
    public Tensor? FullState(string name, string slot)
    {
        using var none = no_grad();
        var parameter = Named(name);
        var (updater, key, _) = OptimizerOf(parameter);
        return FullState(updater, key, slot, parameter);
    }

    Tensor? FullState(IParameterUpdater optimizer, string name, string slot, ShardedParameter parameter)
    {
        var state = optimizer.CaptureState();
        if (!state.Scalars.ParameterUpdates.ContainsKey(name)) return null;
        ThrowUnlessKept(optimizer, parameter, state.Slots(name), slot);
        var mine = state.Slots(name).GetValueOrDefault(slot);
        if (_reducer is null || !_context.DividesUpdates) return mine?.clone().DetachFromDisposeScope();
        // Ranks with a part lay it where it belongs; the sum with the zeros of the others is the whole.
        using var scope = NewDisposeScope();
        var whole = zeros(parameter.Shape.Aggregate(1L, (a, b) => a * b), ScalarType.Float32, _context.Device);
        if (mine is not null && parameter.Piece is { } piece) whole.narrow(0, piece.Start, mine.NumberOfElements).copy_(mine.view(-1));
        _context.ShardGroup.AllReduce(whole);
        return whole.view(parameter.Shape).DetachFromDisposeScope();
    }

    /// <summary>
    /// This rank's part of a parameter: its first element in the flattened parameter, and a view of the values, to read (a copy where they lie on a disk): what is written there reaches the ranks of a node
    /// (<see cref="Strategy.SecondaryShardSize"/>) with the next update. Null where the rank has no part of it.
    /// </summary>
    public (long Start, Tensor Values)? LocalParameter(string name)
    {
        var parameter = Named(name);
        if (PartOf(parameter) is not { } piece) return null;
        using var shard = parameter.Buffer.OpenShard();
        var values = parameter.Buffer.Shard.narrow(0, piece.OffsetInSlice, piece.NumElements);
        if (parameter.Buffer.Stored is null) return (piece.Start, values);
        using (values) return (piece.Start, values.clone());
    }

    /// <summary>This rank's part of the reduced gradient of a parameter, where it begins, and a view of the values. Null where the rank has no part of it, or no rank a gradient. Nobody is asked for anything.</summary>
    public (long Start, Tensor Values)? LocalGradient(string name)
    {
        var parameter = Named(name);
        using var none = no_grad();
        if (PartOf(parameter) is not { } piece) return null;
        if (_reducer is not null && _context.DividesUpdates) return ReducedOf(parameter) is { } bucket ? (piece.Start, bucket.Measured.narrow(0, piece.OffsetInSlice, piece.NumElements)) : null;
        if (!GradientAccess.HasGradient(parameter.Real)) return null;
        using var gradient = parameter.Real.grad!;
        return (piece.Start, gradient.view(-1).narrow(0, piece.Start, piece.NumElements));
    }

    /// <summary>This rank's part of a tensor of the state that its optimizer keeps for a parameter, where it begins, and a copy of the values. Null where the rank has no part of it, or there was no update yet. Nobody is asked for anything.</summary>
    /// <param name="name">The parameter, by its name in the module.</param>
    /// <param name="slot">The slot, such as <c>exp_avg</c>; one that has the parameter's shape.</param>
    /// <exception cref="InvalidOperationException">No optimizer trains it.</exception>
    public (long Start, Tensor Values)? LocalState(string name, string slot)
    {
        using var none = no_grad();
        var parameter = Named(name);
        var (updater, key, _) = OptimizerOf(parameter);
        if (PartOf(parameter) is not { } piece || Here(updater).CaptureState().Slots(key).GetValueOrDefault(slot) is not { } values) return null;
        using var flat = values.view(-1);
        using var part = flat.NumberOfElements == piece.NumElements ? flat.alias() : flat.narrow(0, piece.Start, piece.NumElements);
        return (piece.Start, part.clone());
    }

    /// <summary>The values of all parameters and buffers by name, whole, on every rank. All ranks call it; with <paramref name="onRankZero"/> only rank 0 gets them, the others an empty one.</summary>
    /// <returns>Copies; the caller owns them.</returns>
    public IReadOnlyDictionary<string, Tensor> StateDict(bool onRankZero = false)
    {
        using var none = no_grad();
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var unit in _units)
        {
            var divided = unit.Buffers.Any(b => b.IsDivided);
            if (divided) unit.Need(CancellationToken.None);
            if (!onRankZero || World.Rank == 0)
                foreach (var parameter in unit.Parameters) state[parameter.Name] = parameter.Real.clone().DetachFromDisposeScope();
            if (divided) unit.Done();
        }
        if (onRankZero && World.Rank != 0) return state;
        foreach (var (name, buffer) in Module.named_buffers()) state[name] = buffer.clone().DetachFromDisposeScope();
        return state;
    }

    // Where the reduced gradient of a parameter that ranks have parts of is; null where none has one.
    GradientBucket? ReducedOf(ShardedParameter parameter) => parameter.Buffer.Bucket is { State: BucketState.Reduced } bucket && _reducer!.IsPresent(parameter) ? bucket : null;

    static FlatPiece? PartOf(ShardedParameter parameter)
    {
        foreach (var piece in parameter.Buffer.Pieces)
            if (piece.Entry == parameter.Entry) return piece;
        return null;
    }

    // The last one that was made for it, and its name there.
    (IParameterUpdater Updater, string Key, IReadOnlyDictionary<string, Tensor>? Masters) OptimizerOf(ShardedParameter parameter) =>
        FindOptimizer(parameter) ?? throw new InvalidOperationException($"No optimizer of CreateOptimizer trains '{parameter.Name}'.");

    (IParameterUpdater Updater, string Key, IReadOnlyDictionary<string, Tensor>? Masters)? FindOptimizer(ShardedParameter parameter)
    {
        for (var i = _updaters.Count - 1; i >= 0; i--)
            foreach (var group in _updaters[i].Updater.Groups)
                foreach (var (key, value) in group.Parameters)
                    if (_byHandle.GetValueOrDefault(value.Handle) == parameter) return (_updaters[i].Updater, key, _updaters[i].Masters);
        return null;
    }

    static IParameterUpdater Here(IParameterUpdater updater) => updater is ShardedOptimizer sharded ? sharded.Here : updater;

    ShardedParameter Named(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _byName.TryGetValue(name, out var found) ? found : throw new ArgumentException($"The module has no parameter '{name}'. It has {string.Join(", ", _byName.Keys.Take(20))}{(_byName.Count > 20 ? " …" : "")}.", nameof(name));
    }

    Tensor WholeOf(ShardedParameter parameter, Tensor slice)
    {
        using var whole = empty(parameter.Buffer.Layout.PaddedElements, slice.dtype, slice.device);
        _context.ShardGroup.AllGather(slice, whole);
        using var view = parameter.Buffer.View(whole, parameter);
        return view.clone().DetachFromDisposeScope();
    }

    sealed class Gathered(ShardedModel model, List<ShardUnit> units, int? changedBy) : IDisposable
    {
        bool _disposed;

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            if (changedBy is { } rank) model.TakeValuesOf(rank);
            foreach (var unit in units) unit.Done();
        }
    }
}
