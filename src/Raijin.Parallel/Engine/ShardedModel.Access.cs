using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

public sealed partial class ShardedModel
{
    /// <summary>Every parameter whole, on every rank, for as long as it is open: to look at, to save, to compute with outside the units' calls. Values that are written are lost.</summary>
    public IDisposable Gather()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var divided = _units.Where(u => u.Buffers.Any(b => b.IsDivided)).ToList();
        foreach (var unit in divided) unit.Need(CancellationToken.None);
        return new Gathered(divided);
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
        if (parameter.Buffer.Bucket is not { State: BucketState.Reduced } bucket) return null;
        return WholeOf(parameter, bucket.Measured);
    }

    /// <summary>A tensor of an optimizer's state, whole, on every rank; null where the parameter has had no update yet. All ranks call it.</summary>
    /// <param name="optimizer">One of <see cref="CreateOptimizer"/>.</param>
    /// <param name="name">The parameter, by its name in the optimizer's groups.</param>
    /// <param name="slot">The slot, such as <c>exp_avg</c>.</param>
    /// <returns>A copy; the caller owns it.</returns>
    public Tensor? FullState(IParameterUpdater optimizer, string name, string slot)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        using var none = no_grad();
        var parameter = Owners(optimizer)[name];
        var state = optimizer.CaptureState();
        var mine = state.Slots(name).GetValueOrDefault(slot);
        if (_reducer is null || !_context.DividesUpdates) return mine?.clone().DetachFromDisposeScope();
        if (!state.Scalars.ParameterUpdates.ContainsKey(name)) return null;
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
        using var shard = parameter.Buffer.OpenShard();
        foreach (var piece in parameter.Buffer.Pieces)
        {
            if (piece.Entry != parameter.Entry) continue;
            var values = parameter.Buffer.Shard.narrow(0, piece.OffsetInSlice, piece.NumElements);
            if (parameter.Buffer.Stored is null) return (piece.Start, values);
            using (values) return (piece.Start, values.clone());
        }
        return null;
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

    sealed class Gathered(List<ShardUnit> units) : IDisposable
    {
        bool _disposed;

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            foreach (var unit in units) unit.Done();
        }
    }
}
