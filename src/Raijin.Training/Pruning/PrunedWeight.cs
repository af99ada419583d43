using Raijin.Parallel;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A weight that is pruned, and its mask: of all of it, or where weights lie divided of this rank's part, which may be none.</summary>
sealed class PrunedWeight : IDisposable
{
    readonly PruningMethod _method;
    readonly ShardedModel? _sharded;
    readonly ModelPart? _part;
    readonly Tensor? _mask;
    readonly Tensor? _first;

    // Of a method that takes slices: which stay, the same on every rank.
    readonly Tensor? _slices;

    /// <param name="name">Its name in the model.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="part">What this rank has of it; null for nothing.</param>
    /// <param name="isDivided">Whether other ranks have the rest.</param>
    /// <param name="method">How it is scored.</param>
    /// <param name="rewinds">Whether its first values are kept.</param>
    /// <param name="sharded">What holds the model, where ranks do.</param>
    /// <param name="saved">Mask and first values of a checkpoint; null to begin afresh.</param>
    public PrunedWeight(string name, long[] shape, ModelPart? part, bool isDivided, PruningMethod method, bool rewinds, ShardedModel? sharded, SavedTensors? saved)
    {
        (Name, Shape, IsDivided, _method, _sharded, _part) = (name, shape, isDivided, method, sharded, part);
        using var scope = NewDisposeScope();
        var wasMasked = saved?.Has("mask/" + name) == true;
        if (part is { } mine)
        {
            _mask = (wasMasked ? saved!.Read("mask/" + name, mine).to(mine.Values.device) : ones_like(mine.Values, requires_grad: false)).DetachFromDisposeScope();
            if (rewinds) _first = (saved?.Has("first/" + name) == true ? saved.Read("first/" + name, mine).to(mine.Values.device) : mine.Values.clone()).DetachFromDisposeScope();
        }
        if (method.IsStructured) _slices = (wasMasked ? method.Scores(saved!.Read("mask/" + name), null).ne(0) : ones(shape[method.Dim], ScalarType.Bool)).DetachFromDisposeScope();
    }

    public string Name { get; }

    public long[] Shape { get; }

    public bool IsDivided { get; }

    public long NumElements => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Elements of this rank's part that stay.</summary>
    public long Kept
    {
        get
        {
            using var scope = NewDisposeScope();
            return _mask is null ? 0 : _mask.count_nonzero().item<long>();
        }
    }

    /// <summary>Scores of what may go: of this rank's elements, or of all slices. What is gone already has -1, the lowest there is, so that it stays gone. The open scope owns them.</summary>
    /// <param name="draws">Random numbers of the whole weight's elements.</param>
    public Tensor Scores(RandomStream draws)
    {
        if (_slices is not null)
        {
            // One weight at a time is whole on every rank.
            var whole = IsDivided ? _sharded!.FullParameter(Name) : _part!.Value.Values;
            try
            {
                return _method.Scores(whole, null).cpu().masked_fill(_slices.logical_not(), -1);
            }
            finally
            {
                if (IsDivided) whole.Dispose();
            }
        }
        if (_part is not { } part) return zeros(0);
        return _method.Scores(part.Values, new RandomStream(draws.Seed, draws.Stream, (ulong)part.Start)).masked_fill(_mask!.flatten().eq(0), -1);
    }

    /// <summary>Whether scores are of this rank's part only.</summary>
    public bool ScoresAreDivided => IsDivided && _slices is null;

    /// <summary>Takes away what has the lowest scores; what stays goes back to its first values, where these are kept.</summary>
    /// <param name="lowest">One for each score.</param>
    public void TakeAway(Tensor lowest)
    {
        var kept = lowest.logical_not();
        _slices?.copy_(kept);
        if (_part is not { } part) return;
        if (_slices is not null) kept = _method.Spread(kept, Shape).flatten().narrow(0, part.Start, part.Values.NumberOfElements);
        _mask!.copy_(kept.reshape(part.Values.shape));
        if (_first is not null) part.Values.copy_(_first);
    }

    /// <summary>Makes what is gone zero.</summary>
    public void Apply() => _part?.Values.mul_(_mask!);

    /// <summary>What is kept beside the weight: the mask, and the first values.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Tensors()
    {
        if (_mask is not null) yield return new("mask/" + Name, _mask);
        if (_first is not null) yield return new("first/" + Name, _first);
    }

    /// <summary>The same where it is divided.</summary>
    public IEnumerable<LogicalSlice> Slices(string stem) => _part is { } part ? Tensors().Select(t => part.Slice(stem + t.Key, t.Value)) : [];

    public void Dispose()
    {
        _mask?.Dispose();
        _first?.Dispose();
        _slices?.Dispose();
    }
}
