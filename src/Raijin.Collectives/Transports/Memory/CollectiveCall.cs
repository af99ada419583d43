using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

// A call of one member goes through: post, wait for those whose data it needs, work, wait for those that still read its memory. The work is direct where all data is reachable,
// else in chunks. Calls post and work in their order; a later one may have posted while an earlier one still works.

/// <summary>One member's part in a call of all.</summary>
sealed unsafe partial class CollectiveCall : SegmentCall
{
    readonly long[] _parts;
    readonly long[] _taken;
    Collective _call;
    long _ordinal;
    Stage _stage;
    ulong _signature;
    byte* _input;
    byte* _output;
    long _inputCount;
    long _outputCount;
    long _count;
    long _code;
    int _elementBytes;
    int _firstSlot;
    bool _isDirect;

    public CollectiveCall(SegmentTransport owner) : base(owner)
    {
        _parts = new long[owner.Size + 1];
        _taken = new long[owner.Size + 1];
    }

    enum Stage : byte
    {
        Beginning,
        Posted,
        Working,
        Leaving,
    }

    int Rank => Block.Rank;

    int Size => Block.Size;

    ref MemberProgress Mine => ref *Block.Progress(Rank);

    /// <summary>Whether all members give and all get the reduction's result, or the root does.</summary>
    bool IsWholeReduction => _call.Kind is CollectiveKind.AllReduce or CollectiveKind.Reduce;

    /// <summary>Whether all members' data must be read the same way: where it lies on all, or in the slots of all. Others are read each in its own way.</summary>
    bool IsUniform => IsWholeReduction || (_call.Kind == CollectiveKind.ReduceScatter && _call.Wire is not null);

    /// <summary>Whether a member gives data that others read.</summary>
    bool Gives(int member) => _call.Kind switch
    {
        CollectiveKind.Barrier => false,
        CollectiveKind.Broadcast or CollectiveKind.Scatter => member == _call.Peer,
        CollectiveKind.Gather => member != _call.Peer,
        _ => true,
    };

    /// <summary>Whether a member reads what others give.</summary>
    bool Takes(int member) => _call.Kind switch
    {
        CollectiveKind.Barrier => false,
        CollectiveKind.Broadcast or CollectiveKind.Scatter => member != _call.Peer,
        CollectiveKind.Gather => member == _call.Peer,
        _ => true,
    };

    /// <summary>Takes the call up, without waiting for anybody.</summary>
    public void Begin(in Collective call, long ordinal)
    {
        ScalarType? dtype = null;
        _inputCount = Open(call.Input, ref dtype, out _input);
        _outputCount = Open(call.Output, ref dtype, out _output);
        Hold(call);
        _call = call;
        _ordinal = ordinal;
        _stage = Stage.Beginning;
        _code = -1;
        IsComplete = false;
        _elementBytes = dtype is { } type ? ElementBytes(type) : 0;
        _signature = CallSignature.Of(_call, dtype);
        Divide();
        if (IsWholeReduction || call.Kind == CollectiveKind.ReduceScatter) _reduction = Owner.ReductionFor(dtype!.Value, _call.Wire, call.Op);
        if (Gives(Rank)) _code = Size == 1 || _inputCount == 0 ? 0 : Owner.Locate(_input, _inputCount * _elementBytes);
        PlanChunks(dtype);
        LogNumber = Block.LogOf(Rank).Begin(_signature, call.Sequence, call.Input is null ? -1 : _inputCount, call.Output is null ? -1 : _outputCount);
    }

    public override void Recycle()
    {
        LetGo();
        _call = default;
        Owner.Recycle(this);
    }

    public override bool Advance()
    {
        switch (_stage)
        {
            case Stage.Beginning:
                if (!MayPost()) return false;
                if (Owner.Worked == _ordinal && _fillsEarly) Fill(quietly: true);
                Announce();
                _stage = Stage.Posted;
                goto case Stage.Posted;
            case Stage.Posted:
                if (Owner.Worked != _ordinal) return false;
                if (_fillsEarly) Fill(quietly: false);
                if (!HaveCome()) return false;
                Check();
                _isDirect = IsReachable();
                if (!_isDirect && IsUniform) _fills = true;
                _stage = Stage.Working;
                goto case Stage.Working;
            case Stage.Working:
                if (_isDirect && !_fills) WorkDirectly();
                else if (!WorkInChunks()) return false;
                Owner.Worked++;
                Owner.Publish(ref Mine.Done, Position(_ordinal + 1));
                _stage = Stage.Leaving;
                goto case Stage.Leaving;
            case Stage.Leaving:
                IsComplete = MayLeave();
                return IsComplete;
            default:
                throw new UnreachableException();
        }
    }

    public override IReadOnlyList<int> Missing()
    {
        var late = Others().Where(m => Block.Progress(m)->Posted <= _ordinal).ToList();
        return late.Count > 0 ? late : [.. Others().Where(m => Block.Progress(m)->Done < Position(_ordinal + 1))];
    }

    IEnumerable<int> Others() => Enumerable.Range(0, Size).Where(m => m != Rank);

    static long Open(Tensor? tensor, ref ScalarType? dtype, out byte* data)
    {
        data = null;
        if (tensor is null) return 0;
        if (!TensorAccess.TryGetHostMemory(tensor, out var memory)) throw new UnreachableException($"The group lets a tensor on {tensor.device} through.");
        dtype = memory.DType;
        data = (byte*)memory.Data;
        return memory.NumElements;
    }

    static int ElementBytes(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        ScalarType.Int8 or ScalarType.Byte or ScalarType.Bool => 1,
        _ => throw new UnreachableException($"The group lets {dtype} through."),
    };

    // _parts: where the parts of the whole that is divided or composed begin; _taken: those of an all-to-all's output.
    void Divide()
    {
        _count = 0;
        switch (_call.Kind)
        {
            case CollectiveKind.AllReduce or CollectiveKind.Reduce:
                _count = _inputCount;
                // No two members write one cache line.
                var line = 64 / _elementBytes;
                var part = ((_count + Size - 1) / Size + line - 1) / line * line;
                for (var m = 0; m <= Size; m++) _parts[m] = Math.Min(_count, m * part);
                break;
            case CollectiveKind.Broadcast:
                _count = _inputCount;
                break;
            case CollectiveKind.ReduceScatter or CollectiveKind.Scatter:
                _count = _inputCount;
                Divide(_inputCount, _call.InputCounts, _parts);
                break;
            case CollectiveKind.AllGather or CollectiveKind.Gather:
                _count = _outputCount;
                Divide(_outputCount, _call.OutputCounts, _parts);
                break;
            case CollectiveKind.AllToAll:
                Divide(_inputCount, _call.InputCounts, _parts);
                Divide(_outputCount, _call.OutputCounts, _taken);
                break;
        }
    }

    void Divide(long count, IReadOnlyList<long>? counts, long[] starts)
    {
        starts[0] = 0;
        for (var m = 0; m < Size; m++) starts[m + 1] = starts[m] + (counts is null ? count / Size : counts[m]);
    }

    // A post may be written over once nobody needs the one before it in its place.
    bool MayPost()
    {
        for (var m = 0; m < Size; m++)
            if (m != Rank && !Reached(ref Block.Progress(m)->Done, Position(_ordinal + 1 - GroupBlock.Depth))) return false;
        return true;
    }

    void Announce()
    {
        var post = Block.PostOf(Rank, _ordinal);
        post->Signature = _signature;
        post->Count = _count;
        post->Part = _inputCount;
        post->Code = _code;
        post->FirstSlot = _firstSlot;
        post->HasParts = _call.InputCounts is null ? 0 : 1;
        if (_call.InputCounts is { } counts)
            for (var m = 0; m < Size; m++) GroupBlock.PartsOf(post)[m] = counts[m];
        Owner.Publish(ref Mine.Posted, _ordinal + 1);
    }

    // Those whose data is read here; in a barrier all.
    bool HaveCome()
    {
        if (_call.Kind != CollectiveKind.Barrier && !Takes(Rank)) return true;
        for (var m = 0; m < Size; m++)
            if (m != Rank && (_call.Kind == CollectiveKind.Barrier || Gives(m)) && !Reached(ref Block.Progress(m)->Posted, _ordinal + 1)) return false;
        return true;
    }

    void Check()
    {
        if (!Takes(Rank) && _call.Kind != CollectiveKind.Barrier) return;
        for (var m = 0; m < Size; m++)
        {
            if (m == Rank || !(Gives(m) || _call.Kind == CollectiveKind.Barrier)) continue;
            var post = Block.PostOf(m, _ordinal);
            if (post->Signature != _signature) Owner.ThrowMismatch(m, _signature, _count, post->Signature, post->Count);
            var (ours, theirs) = _call.Kind switch
            {
                CollectiveKind.Gather => (Part(m), post->Part),
                CollectiveKind.Scatter => (_outputCount, PartFor(post, Rank)),
                CollectiveKind.AllToAll => (_taken[m + 1] - _taken[m], PartFor(post, Rank)),
                CollectiveKind.AllGather when post->Count == _count => (Part(m), post->Part),
                _ => (_count, post->Count),
            };
            if (ours != theirs) Owner.ThrowMismatch(m, _signature, ours, post->Signature, theirs);
        }
    }

    long Part(int member) => _parts[member + 1] - _parts[member];

    /// <summary>How much of what a member gives is for another.</summary>
    long PartFor(Post* post, int member) => post->HasParts != 0 ? GroupBlock.PartsOf(post)[member] : post->Part / Size;

    /// <summary>Where in what a member gives the part of another begins.</summary>
    long StartFor(Post* post, int member)
    {
        if (post->HasParts == 0) return post->Part / Size * member;
        long start = 0;
        for (var m = 0; m < member; m++) start += GroupBlock.PartsOf(post)[m];
        return start;
    }

    // Whether everything that is read here lies where all reach it, and in a whole reduction what is written too.
    bool IsReachable()
    {
        if (IsUniform && _code < 0) return false;
        if (!Takes(Rank)) return true;
        for (var m = 0; m < Size; m++)
            if (m != Rank && Gives(m) && Block.PostOf(m, _ordinal)->Code < 0) return false;
        return true;
    }

    // Done for the caller: nobody reads this member's memory, or writes to it, any more.
    bool MayLeave()
    {
        if (_code < 0 || !Gives(Rank) || (IsUniform && !_isDirect)) return true;
        for (var m = 0; m < Size; m++)
            if (m != Rank && Takes(m) && !Reached(ref Block.Progress(m)->Done, Position(_ordinal + 1))) return false;
        return true;
    }
}
