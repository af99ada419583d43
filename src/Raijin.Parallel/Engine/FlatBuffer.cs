using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// The parameters of one unit that are of one type, in one flat buffer. Up to stage 2 the buffer is whole for good and this rank's shard is a part of it; in stage 3 the shard is memory of its own, and the
/// whole comes and goes under the same views.
/// </summary>
sealed class FlatBuffer : IDisposable
{
    readonly EngineContext _context;
    Tensor? _secondary;
    bool _hasSecondary;

    /// <summary>Packs parameters, and gives them the buffer's memory; their values are kept.</summary>
    /// <param name="context">The engine's.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="parameters">At least one, of one type.</param>
    /// <param name="isDivided">Whether it will be divided.</param>
    public FlatBuffer(EngineContext context, string name, IReadOnlyList<ShardedParameter> parameters, bool isDivided)
    {
        _context = context;
        Name = name;
        IsDivided = isDivided;
        Parameters = parameters;
        DType = parameters[0].DType;
        Layout = new FlatLayout(parameters.Select(p => (p.Name, (IReadOnlyList<long>)p.Shape)), context.NumShards);
        for (var i = 0; i < parameters.Count; i++) parameters[i].Place(this, i);

        using var none = no_grad();
        // Slices are gathered into the whole after an update: there it lies where the ranks reach it.
        Full = context.DividesUpdates && !isDivided ? context.ShardGroup.Allocate(Layout.PaddedElements, DType) : zeros(Layout.PaddedElements, DType, context.Device);
        Full.DetachFromDisposeScope();
        Held(BufferKind.Parameters, Layout.PaddedElements, +1);
        foreach (var parameter in parameters)
        {
            using var view = View(Full, parameter);
            if (!parameter.WasMeta) view.copy_(parameter.Real);
            Aten.SetData(parameter.Real, view);
        }
        Shard = Slice(Full);
    }

    /// <summary>What messages and codecs call it: the unit's name, and the type where a unit has several.</summary>
    public string Name { get; }

    public IReadOnlyList<ShardedParameter> Parameters { get; }

    /// <summary>Whether this rank holds its shard only, and the whole comes and goes.</summary>
    public bool IsDivided { get; }

    public ScalarType DType { get; }

    public FlatLayout Layout { get; }

    /// <summary>[padded]. In stage 3 without memory while the unit is released.</summary>
    public Tensor Full { get; }

    /// <summary>[slice] of this rank. It has values only while its unit's are entered, where they lie on a disk.</summary>
    public Tensor Shard { get; private set; }

    /// <summary>Where the shard lies if on a disk, together with those of its unit.</summary>
    public StoredShards? Stored { get; private set; }

    /// <summary>Which of <see cref="Stored"/> it is.</summary>
    public int StoredIndex { get; private set; }

    /// <summary>Where its gradients are reduced; null while no optimizer trains it.</summary>
    public GradientBucket? Bucket { get; set; }

    /// <summary>[padded / ranks of a node] of this rank: its part of what was gathered last, while no update has changed the shards since; null where it has none.</summary>
    public Tensor? Secondary => _hasSecondary ? _secondary : null;

    public long FullBytes => Layout.PaddedElements * Shard.ElementSize;

    public IEnumerable<FlatPiece> Pieces => Layout.Pieces(_context.ShardGroup.Rank);

    /// <summary>This rank's part of a flat tensor of the buffer's length; the caller owns the view.</summary>
    public Tensor Slice(Tensor flat)
    {
        using var none = no_grad();
        return flat.narrow(0, _context.ShardGroup.Rank * Layout.SliceElements, Layout.SliceElements).DetachFromDisposeScope();
    }

    /// <summary>Has the shard's values in memory for as long as it is open.</summary>
    /// <param name="changes">Whether they are changed meanwhile.</param>
    public StoredShards.Use OpenShard(bool changes = false) => new(Stored, changes);

    /// <summary>The values of a piece of this rank, to be read once: a view, or what is read from the disk when it is touched. The open scope owns it.</summary>
    public Tensor Look(FlatPiece piece) => Stored is null ? Shard.narrow(0, piece.OffsetInSlice, piece.NumElements) : Stored.Map(StoredIndex, piece.OffsetInSlice, piece.NumElements);

    /// <summary>A parameter's part of a flat tensor of the buffer's length, in its shape; the caller owns the view.</summary>
    public Tensor View(Tensor flat, ShardedParameter parameter)
    {
        using var none = no_grad();
        var entry = Layout.Entries[parameter.Entry];
        using var range = flat.narrow(0, entry.Offset, entry.NumElements);
        return range.view(parameter.Shape).DetachFromDisposeScope();
    }

    /// <summary>Divides the values: this rank keeps its shard, in memory of its own, and the whole is let go.</summary>
    /// <param name="stored">Where the shard lies if on a disk, and has memory now; null for one in memory.</param>
    /// <param name="index">Which of them it is.</param>
    public void Divide(StoredShards? stored, int index)
    {
        using var none = no_grad();
        var whole = Shard;
        (Stored, StoredIndex) = (stored, index);
        Shard = stored is null ? _context.ShardGroup.Allocate(Layout.SliceElements, DType).DetachFromDisposeScope() : TensorBox.Alias(stored[index]);
        Shard.copy_(whole);
        whole.Dispose();
        Held(BufferKind.Parameters, Layout.PaddedElements, -1);
        if (stored is null) Held(BufferKind.Parameters, Layout.SliceElements, +1);
        if (_context.SecondaryWeights?.Group is { } node)
        {
            _secondary = node.Allocate(Layout.PaddedElements / node.Size, DType).DetachFromDisposeScope();
            Held(BufferKind.Secondary, _secondary.NumberOfElements, +1);
        }
        // Its memory goes with the tensor that it is exchanged with.
        using var nothing = empty(0, DType, _context.Device);
        TensorStorage.Exchange(Full, nothing);
    }

    /// <summary>Keeps this rank's part of what was gathered, where one is kept.</summary>
    public void KeepSecondary()
    {
        if (_hasSecondary || _secondary is null) return;
        using var none = no_grad();
        using var part = Full.narrow(0, _context.SecondaryWeights!.Group.Rank * _secondary.NumberOfElements, _secondary.NumberOfElements);
        _secondary.copy_(part);
        _hasSecondary = true;
    }

    /// <summary>The shard has new values: what was gathered before is out of date. Told on all ranks alike.</summary>
    public void ShardChanged() => _hasSecondary = false;

    /// <summary>Gives the whole memory; its values are to be gathered.</summary>
    public void Refill() => _context.Pool.Lend(Full, FullBytes);

    /// <summary>Lets the whole go.</summary>
    public void Release() => _context.Pool.TakeBack(Full);

    void Held(BufferKind kind, long elements, int sign)
    {
        var bytes = elements * Full.ElementSize;
        if (sign > 0) _context.Ledger.Allocated(kind, bytes);
        else _context.Ledger.Freed(kind, bytes);
    }

    public void Dispose()
    {
        Bucket?.Dispose();
        _secondary?.Dispose();
        Shard.Dispose();
        Full.Dispose();
    }
}
