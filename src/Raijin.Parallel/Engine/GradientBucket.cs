using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>Where a bucket is on its way through a pass.</summary>
enum BucketState : byte
{
    /// <summary>Gradients are being collected.</summary>
    Filling,

    /// <summary>Its reduction is under way.</summary>
    Reducing,

    /// <summary>Reduced.</summary>
    Reduced,
}

/// <summary>
/// The gradients of one flat buffer on their way: collected as autograd completes them, reduced over ranks as a whole, and then seen by the update as views. Up to stage 1 the buffer of all gradients stays; from stage 2
/// on it is borrowed for the reduction, and what stays is this rank's slice.
/// </summary>
/// <remarks>Every gradient is copied once, from where autograd made it (hot in the cache) to where ranks reduce it in place.</remarks>
sealed class GradientBucket : IDisposable
{
    readonly EngineContext _context;
    readonly FlatBuffer _buffer;
    readonly bool[] _filled;
    readonly bool[] _arrived;
    readonly Tensor? _all;
    readonly Tensor _mine;
    readonly BucketRing? _ring;
    Tensor[] _slots;
    IReadOnlyList<ExchangeCall>? _calls;
    PendingExchange? _exchange;
    Collectives.Work? _replication;
    Tensor? _lease;
    Tensor? _leasedSlice;
    Tensor? _carried;
    bool _hasReduced;

    /// <param name="context">The engine's.</param>
    /// <param name="buffer">The parameters.</param>
    /// <param name="ring">Where buffers are borrowed from; null to keep one.</param>
    public GradientBucket(EngineContext context, FlatBuffer buffer, BucketRing? ring)
    {
        _context = context;
        _buffer = buffer;
        _ring = ring;
        _filled = new bool[buffer.Parameters.Count];
        _arrived = new bool[buffer.Parameters.Count];
        if (ring is null)
        {
            _all = context.Gradients.Group.Allocate(buffer.Layout.PaddedElements, buffer.DType).DetachFromDisposeScope();
            _mine = context.DividesUpdates ? buffer.Slice(_all) : TensorBox.Alias(_all);
            _slots = [.. buffer.Parameters.Select(p => buffer.View(_all, p))];
            context.Ledger.Allocated(BufferKind.Gradients, buffer.Layout.PaddedElements * _all.ElementSize);
        }
        else
        {
            _mine = zeros(buffer.Layout.SliceElements, buffer.DType, context.Device).DetachFromDisposeScope();
            _slots = [];
            context.Ledger.Allocated(BufferKind.Gradients, buffer.Layout.SliceElements * _mine.ElementSize);
        }
        // The part of the whole that norms are taken over: the same in every stage, so that they have the same bits.
        Measured = ring is null && !context.DividesUpdates ? buffer.Slice(_all!) : TensorBox.Alias(_mine);
    }

    public BucketState State { get; private set; }

    /// <summary>This rank's slice of the reduced gradients, in every stage.</summary>
    public Tensor Measured { get; }

    public FlatBuffer Buffer => _buffer;

    /// <summary>Whether it has a buffer of the ring, or needs none.</summary>
    public bool HasLease => _ring is null || _lease is not null;

    /// <summary>Whether every parameter's gradient of this pass is in.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether there is a gradient of a parameter that is not reduced yet: of this pass, or of earlier ones that were not reduced.</summary>
    public bool IsFilled(int entry) => _filled[entry];

    /// <summary>Takes a gradient that autograd has completed.</summary>
    /// <param name="parameter">Whose gradient it is.</param>
    /// <param name="isNext">Whether this bucket is the next to be reduced: it borrows its buffer with its first gradient then, and no gradient waits in memory of its own.</param>
    public void Take(ShardedParameter parameter, bool isNext)
    {
        if (State == BucketState.Reducing)
            throw new InvalidOperationException(
                $"{parameter.Name} got a gradient while that of its pass was already being reduced: backward reached it twice without FinishBackward between. Open NoSync for the passes that only accumulate.");
        if (State == BucketState.Reduced) BeginPass();
        if (_all is not null)
        {
            // A gradient that is the slot itself was added to in place.
            GradientAccess.MoveTo(parameter.Real, _slots[parameter.Entry], add: _filled[parameter.Entry] || (_hasReduced && _carried is null));
            GradientAccess.SetGradient(parameter.Real, _slots[parameter.Entry]);
        }
        else if (_lease is not null)
        {
            Move(parameter, add: _filled[parameter.Entry]);
        }
        _filled[parameter.Entry] = true;
        if (_lease is null && isNext && _ring is { CanLease: true }) Borrow();
        if (_arrived[parameter.Entry]) return;
        _arrived[parameter.Entry] = true;
        IsComplete = Array.TrueForAll(_arrived, a => a);
    }

    /// <summary>The next gradient is the first of a new pass; those that are in stay.</summary>
    public void ExpectAll()
    {
        Array.Clear(_arrived);
        IsComplete = false;
    }

    /// <summary>Lets the module see the reduced gradient of a parameter, where it is whole.</summary>
    /// <param name="parameter">One of the buffer's.</param>
    /// <param name="isPresent">Whether any rank has one.</param>
    public void Show(ShardedParameter parameter, bool isPresent)
    {
        if (isPresent && _all is not null && !_context.DividesUpdates) GradientAccess.SetGradient(parameter.Real, _slots[parameter.Entry]);
        else GradientAccess.ClearGradient(parameter.Real);
    }

    /// <summary>Begins to reduce what is there; parameters without a gradient here count as zero.</summary>
    public void Launch()
    {
        using var none = no_grad();
        if (State == BucketState.Reduced) BeginPass();
        State = BucketState.Reducing;
        if (_all is null && _lease is null) Borrow();
        var gradients = _all ?? _lease!;
        // A gradient that only other ranks have is zero here, unless the mean of an earlier pass lies there to be added to.
        var keeps = _all is not null && _hasReduced && _carried is null;
        for (var i = 0; i < _filled.Length; i++)
            if (!_filled[i] && !keeps) _slots[i].zero_();
        if (_context.Strategy.GradientCodec != GradientCodec.None) ClearPadding(gradients);
        _calls ??= _context.DividesUpdates ? _context.Gradients.CallsToReduceScatter(gradients) : _context.Gradients.CallsToAllReduce(gradients);
        _exchange = _context.DividesUpdates ? _context.Gradients.ReduceScatter(_buffer.Name, gradients, _leasedSlice ?? _mine) : _context.Gradients.AllReduce(_buffer.Name, gradients);
        foreach (var call in _calls) _context.Post(BufferKind.Gradients, call);
    }

    /// <summary>Waits for the reduction, and adds it to what earlier passes left for this rank.</summary>
    public void Complete(CancellationToken cancellation)
    {
        using var none = no_grad();
        _exchange!.Wait(cancellation);
        Replicate()?.Wait(cancellation);
        (_exchange, _replication) = (null, null);
        if (_lease is not null)
        {
            if (_hasReduced) _mine.add_(_leasedSlice!);
            else _mine.copy_(_leasedSlice!);
            GiveBack();
        }
        else
        {
            if (_carried is not null)
            {
                _mine.add_(_carried);
                _carried.Dispose();
                _carried = null;
            }
        }
        _hasReduced = true;
        State = BucketState.Reduced;
    }

    /// <summary>Completes without waiting for anybody, where that is possible.</summary>
    public bool TryComplete()
    {
        if (!_exchange!.Poll() || Replicate() is { } replication && !replication.Poll()) return false;
        Complete(CancellationToken.None);
        return true;
    }

    /// <summary>Forgets the gradients: the next are the first again.</summary>
    public void Clear()
    {
        _hasReduced = false;
        _carried?.Dispose();
        _carried = null;
        Array.Clear(_filled);
        ExpectAll();
        State = BucketState.Filling;
    }

    // A pass after one that was reduced. In stage 0 gradients add to the mean that every rank has; a slice is put aside, because its neighbours' values are no longer theirs.
    void BeginPass()
    {
        using var none = no_grad();
        if (_all is not null && _context.DividesUpdates && _carried is null) _carried = _mine.clone().DetachFromDisposeScope();
        Array.Clear(_filled);
        ExpectAll();
        State = BucketState.Filling;
    }

    // After the exchange, over the ranks that hold the same part: means of means, since all parts are of one size. Nobody else's calls go through their group, so that they stand in the order of the buckets whenever they are begun.
    Collectives.Work? Replicate()
    {
        if (_replication is not null || _context.ReplicaGroup is not { } replicas) return _replication;
        var slice = _leasedSlice ?? _mine;
        var wire = _context.Strategy.GradientWire is { } type && type != slice.dtype ? type : (ScalarType?)null;
        _context.Post(BufferKind.Gradients, new(replicas, Collectives.CollectiveKind.AllReduce, Bytes(slice)));
        return _replication = replicas.AllReduceAsync(slice, Collectives.ReduceOp.Mean, wire);
    }

    // What earlier reductions left there would be coded with the gradients, and coarsen their blocks.
    void ClearPadding(Tensor gradients)
    {
        foreach (var (offset, count) in _buffer.Layout.Padding)
        {
            using var range = gradients.narrow(0, offset, count);
            range.zero_();
        }
    }

    void Borrow()
    {
        using var none = no_grad();
        _lease = _ring!.Lease(_buffer.Layout.PaddedElements, _buffer.DType);
        _leasedSlice = _buffer.Slice(_lease);
        _slots = [.. _buffer.Parameters.Select(p => _buffer.View(_lease, p))];
        foreach (var parameter in _buffer.Parameters)
            if (_filled[parameter.Entry]) Move(parameter, add: false);
    }

    void Move(ShardedParameter parameter, bool add)
    {
        GradientAccess.MoveTo(parameter.Real, _slots[parameter.Entry], add);
        GradientAccess.ClearGradient(parameter.Real);
    }

    void GiveBack()
    {
        foreach (var slot in _slots) slot.Dispose();
        _slots = [];
        _leasedSlice!.Dispose();
        _ring!.Return(_lease!);
        _lease = _leasedSlice = null;
    }

    long Bytes(Tensor tensor) => tensor.NumberOfElements * (_context.Strategy.GradientWire is { } wire ? Width(wire) : tensor.ElementSize);

    static long Width(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : type == ScalarType.Float64 ? 8 : 4;

    public void Dispose()
    {
        foreach (var slot in _slots) slot.Dispose();
        Measured.Dispose();
        _mine.Dispose();
        _all?.Dispose();
        _leasedSlice?.Dispose();
        _lease?.Dispose();
        _carried?.Dispose();
    }
}
