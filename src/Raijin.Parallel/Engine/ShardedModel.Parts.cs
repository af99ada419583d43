using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// For whoever keeps something beside the weights, element by element: an average, a mask, a copy to go back to. It lies divided as they do.
public sealed partial class ShardedModel
{
    /// <summary>
    /// What this rank holds of each parameter between steps: all of it, or where parameters are divided its part. Parameters it has no part of are left out. By their names in the module; views, which the open scope owns.
    /// </summary>
    /// <exception cref="NotSupportedException">Parameters lie on a disk.</exception>
    public IEnumerable<LogicalSlice> HeldParameters() => InMemory().PartsOf(buffer => buffer.IsDivided);

    /// <summary>
    /// What this rank updates of each parameter: all of it in stage 0, its part from stage 1 on. What is written there is made everyone's by <see cref="ShareUpdated"/>. By their names in the module; views, which the
    /// open scope owns.
    /// </summary>
    /// <exception cref="NotSupportedException">Parameters lie on a disk.</exception>
    public IEnumerable<LogicalSlice> UpdatedParameters() => InMemory().PartsOf(_ => _context.DividesUpdates);

    /// <summary>Whether ranks hold (or, if asked for, update) parts of a parameter; else each does all of it.</summary>
    public bool IsDivided(string name, bool isUpdated = false)
    {
        var buffer = Named(name).Buffer;
        return _context.NumShards > 1 && (buffer.IsDivided || (isUpdated && _context.DividesUpdates));
    }

    /// <summary>Makes what ranks have written in their parts everyone's, where parameters are whole. All ranks call it.</summary>
    public void ShareUpdated()
    {
        PartsChanged();
        if (!_context.DividesUpdates || _context.NumShards == 1) return;
        var whole = _units.SelectMany(u => u.Buffers).Where(b => !b.IsDivided).ToList();
        var gathers = whole.ConvertAll(buffer =>
        {
            _context.Post(BufferKind.Parameters, new(_context.Weights.Group, CollectiveKind.AllGather, buffer.FullBytes));
            return _context.Weights.AllGather(buffer.Shard, buffer.Full);
        });
        foreach (var gather in gathers) gather.Wait();
    }

    /// <summary>Notes that ranks have written what they hold of parameters, each alike: what is kept of it elsewhere (second shards) is gathered anew. All ranks call it.</summary>
    public void PartsChanged()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var buffer in _units.SelectMany(u => u.Buffers)) buffer.ShardChanged();
    }

    /// <summary>Into how many parts things are divided.</summary>
    public int NumParts => _context.NumShards;

    /// <summary>Which of the parts is this rank's, in the order of their elements.</summary>
    public int Part => _context.ShardGroup.Rank;

    /// <summary>Adds up numbers that each rank counted over its own parts, in place: over the ranks that hold one copy of the model. All ranks call it.</summary>
    /// <param name="numbers">Flat.</param>
    public void SumOverParts(Tensor numbers)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_context.NumShards > 1) _context.ShardGroup.AllReduce(numbers);
    }

    IEnumerable<LogicalSlice> PartsOf(Func<FlatBuffer, bool> isDivided)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var none = no_grad();
        foreach (var buffer in _units.SelectMany(u => u.Buffers))
        {
            if (!isDivided(buffer))
                foreach (var parameter in buffer.Parameters) yield return LogicalSlice.Whole(parameter.Name, parameter.Real);
            else
                foreach (var piece in buffer.Pieces)
                    yield return new(buffer.Parameters[piece.Entry].Name, buffer.Parameters[piece.Entry].Shape, piece.Start, buffer.Look(piece));
        }
    }

    ShardedModel InMemory() => Strategy.OffloadParameters is not Tier.OnDisk ? this : throw new NotSupportedException(
        $"What goes beside parameters element by element (averages, masks, a copy to go back to) needs them in memory, and they lie on {Strategy.OffloadParameters}: set strategy.offloadParameters to device, or leave it out.");
}
