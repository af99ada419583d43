using System.Diagnostics;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>How far one end of the lane from a member to another has got: messages keep their order.</summary>
struct MessageLane
{
    /// <summary>Messages begun.</summary>
    public long Begun;

    /// <summary>Messages whose work here is done.</summary>
    public long Worked;

    /// <summary>The slot that is filled next.</summary>
    public long NextSlot;

    /// <summary>Where the receiver must have got before the first slot may be filled again.</summary>
    public long FirstFree;

    /// <summary>The same for the second slot.</summary>
    public long SecondFree;
}

/// <summary>One end of a message from a member to another. What lies where the receiver reaches it is copied once; else it crosses in chunks through the two slots of the lane.</summary>
sealed unsafe class MessageCall(SegmentTransport owner) : SegmentCall(owner)
{
    MessageLane[] _lanes = [];
    LaneProgress* _progress;
    CollectiveKind _kind;
    int _peer;
    long _ordinal;
    Stage _stage;
    ulong _signature;
    byte* _data;
    long _count;
    long _bytes;
    long _code;
    int _firstSlot;
    long _chunk;

    enum Stage : byte
    {
        Beginning,
        Working,
        Leaving,
    }

    bool Sends => _kind == CollectiveKind.Send;

    int From => Sends ? Block.Rank : _peer;

    int To => Sends ? _peer : Block.Rank;

    long NumChunks => (_bytes + Block.Sizes.MessageSlotBytes - 1) / Block.Sizes.MessageSlotBytes;

    /// <summary>Takes the message up, without waiting for the other end.</summary>
    public void Begin(in Collective call, MessageLane[] lanes)
    {
        var tensor = (call.Input ?? call.Output)!;
        if (!TensorAccess.TryGetHostMemory(tensor, out var memory)) throw new UnreachableException($"The group lets a tensor on {tensor.device} through.");
        Hold(call);
        _lanes = lanes;
        _kind = call.Kind;
        _peer = call.Peer;
        _progress = Block.Lane(From, To);
        _ordinal = lanes[_peer].Begun++;
        _stage = Stage.Beginning;
        _signature = CallSignature.Of(call, memory.DType);
        _data = (byte*)memory.Data;
        _count = memory.NumElements;
        _bytes = _count * tensor.element_size();
        _code = !Sends ? -1 : _bytes == 0 ? 0 : Owner.Locate(_data, _bytes);
        _chunk = 0;
        IsComplete = false;
        LogNumber = Block.LogOf(Block.Rank).Begin(_signature, call.Sequence, Sends ? _count : -1, Sends ? -1 : _count);
    }

    public override void Recycle()
    {
        LetGo();
        Owner.Recycle(this);
    }

    public override bool Advance()
    {
        switch (_stage)
        {
            case Stage.Beginning:
                if (Sends)
                {
                    if (!Reached(ref _progress->Done, Position(_ordinal + 1 - GroupBlock.LaneDepth))) return false;
                    Announce();
                }
                _stage = Stage.Working;
                goto case Stage.Working;
            case Stage.Working:
                if (_lanes[_peer].Worked != _ordinal) return false;
                if (!(Sends ? SendChunks() : TryReceive())) return false;
                _lanes[_peer].Worked++;
                _stage = Stage.Leaving;
                goto case Stage.Leaving;
            case Stage.Leaving:
                IsComplete = !Sends || _code < 0 || Reached(ref _progress->Done, Position(_ordinal + 1));
                return IsComplete;
            default:
                throw new UnreachableException();
        }
    }

    public override IReadOnlyList<int> Missing() => [_peer];

    void Announce()
    {
        ref var lane = ref _lanes[_peer];
        _firstSlot = (int)lane.NextSlot;
        if (_code < 0) lane.NextSlot = (lane.NextSlot + NumChunks) % GroupBlock.LaneSlots;
        var post = Block.LanePost(From, To, _ordinal);
        post->Signature = _signature;
        post->Count = _count;
        post->Code = _code;
        post->FirstSlot = _firstSlot;
        Owner.Publish(ref _progress->Posted, _ordinal + 1, _peer);
    }

    bool SendChunks()
    {
        if (_code >= 0) return true;
        for (; _chunk < NumChunks; _chunk++)
        {
            ref var lane = ref _lanes[_peer];
            ref var free = ref (_firstSlot + _chunk) % GroupBlock.LaneSlots == 0 ? ref lane.FirstFree : ref lane.SecondFree;
            if (!Reached(ref _progress->Done, free)) return false;
            free = Position(_ordinal, _chunk + 1);
            var (start, bytes) = Chunk();
            Buffer.MemoryCopy(_data + start, Block.LaneSlot(From, To, _firstSlot + _chunk), bytes, bytes);
            Owner.Publish(ref _progress->Filled, Position(_ordinal, _chunk + 1), _peer);
        }
        return true;
    }

    bool TryReceive()
    {
        if (!Reached(ref _progress->Posted, _ordinal + 1)) return false;
        var post = Block.LanePost(From, To, _ordinal);
        if (post->Count != _count || CallSignature.DType(post->Signature) != CallSignature.DType(_signature)) Owner.ThrowMismatch(_peer, _signature, _count, post->Signature, post->Count);
        if (post->Code >= 0)
        {
            Owner.Enter();
            if (_bytes > 0) Buffer.MemoryCopy(Owner.Resolve(post->Code), _data, _bytes, _bytes);
            Owner.Exit();
        }
        else
        {
            for (; _chunk < NumChunks; _chunk++)
            {
                if (!Reached(ref _progress->Filled, Position(_ordinal, _chunk + 1))) return false;
                var (start, bytes) = Chunk();
                Buffer.MemoryCopy(Block.LaneSlot(From, To, post->FirstSlot + _chunk), _data + start, bytes, bytes);
                if (_chunk + 1 < NumChunks) Owner.Publish(ref _progress->Done, Position(_ordinal, _chunk + 1), _peer);
            }
        }
        Owner.Publish(ref _progress->Done, Position(_ordinal + 1), _peer);
        return true;
    }

    (long Start, long Bytes) Chunk()
    {
        var start = _chunk * Block.Sizes.MessageSlotBytes;
        return (start, Math.Min(Block.Sizes.MessageSlotBytes, _bytes - start));
    }
}
