using static TorchSharp.torch;

namespace Raijin.Collectives;

// Memory that others can't reach crosses in chunks: its owner fills a slot, the others take from it, the slot is filled again. Three things go on as far as they can, the latest first:
//
//   fill     my data → my slot            when all have taken what was in it
//   reduce   everybody's slots → my slot  when all have filled theirs         (whole reductions only)
//   take     everybody's slots → output   when all have filled, or reduced
//
// A chunk is either a piece of all that its owner gives, or a slice for each member of what is for that member: then everybody has work in every chunk. Of a whole reduction each member
// copies the slices of others in, reduces its own and copies the results of others out: 4 bytes moved for a byte of the buffer and two members; small ones are copied in whole and reduced by all at once,
// which saves one exchange.
sealed unsafe partial class CollectiveCall
{
    const long WholeReductionBytes = 32 << 10;

    Reduction? _reduction;
    Reduction? _chunkReduction;
    WireFormat? _wire;
    bool _fills;
    bool _fillsEarly;
    bool _isWhole;
    int _slotElementBytes;
    long _sliceElements;
    long _chunkElements;
    long _numFills;
    long _numTakes;
    long _filled;
    long _reduced;
    long _takenChunks;

    bool HasReduce => IsWholeReduction && !_isWhole;

    long SliceBytes => _sliceElements * _slotElementBytes;

    // Known without the others: how what this member gives lies in its slots.
    void PlanChunks(ScalarType? dtype)
    {
        _filled = _reduced = _takenChunks = 0;
        _numFills = 0;
        _numTakes = -1;
        _fills = _fillsEarly = false;
        if (Block.Sizes.NumSlots == 0 || _call.Kind == CollectiveKind.Barrier || Size == 1 || dtype is null) return;
        _wire = _call.Wire is { } wire ? WireFormat.For(wire) : null;
        if (_wire is not null) _chunkReduction = Reduction.For(_call.Wire!.Value, null, _call.Op);
        else _chunkReduction = _reduction;
        _slotElementBytes = _wire is null ? _elementBytes : 2;
        _chunkElements = Block.Sizes.SlotBytes / _slotElementBytes;
        _sliceElements = Block.Sizes.SlotBytes / Size / 64 * 64 / _slotElementBytes;
        _isWhole = _call.Kind switch
        {
            CollectiveKind.AllGather or CollectiveKind.Gather or CollectiveKind.Broadcast => true,
            CollectiveKind.AllReduce => _wire is null && _count * _elementBytes * (Size - 1) <= WholeReductionBytes,
            _ => false,
        };
        _fillsEarly = _fills = Gives(Rank) && _code < 0;
        if (!Gives(Rank)) return;
        _numFills = _isWhole ? Chunks(_inputCount, _chunkElements) : Chunks(LargestPart(), _sliceElements);
        _firstSlot = Owner.ReserveSlots(_numFills);
    }

    static long Chunks(long count, long size) => (count + size - 1) / size;

    long LargestPart()
    {
        long largest = 0;
        for (var m = 0; m < Size; m++) largest = Math.Max(largest, Part(m));
        return largest;
    }

    /// <returns>Whether all chunks are through.</returns>
    bool WorkInChunks()
    {
        if (_numTakes < 0) PlanTakes();
        while (true)
        {
            if (_takenChunks < _numTakes && MayTake(_takenChunks))
            {
                Take(_takenChunks);
                _takenChunks++;
                // Whoever takes nothing more of this call says so: others wait for it before they fill a slot again.
                if (_takenChunks < _numTakes) Owner.Publish(ref Mine.Done, Position(_ordinal, _takenChunks));
                else if (_fills && _filled < _numFills) Owner.Publish(ref Mine.Done, Position(_ordinal, LastChunk));
            }
            else if (HasReduce && _reduced < _numFills && MayReduce(_reduced))
            {
                ReduceSlice(_reduced);
                _reduced++;
                Owner.Publish(ref Mine.Reduced, Position(_ordinal, _reduced));
            }
            else if (_fills && _filled < _numFills && MayFill(_filled))
            {
                FillSlot(_filled);
                _filled++;
                Owner.Publish(ref Mine.Filled, Position(_ordinal, _filled));
            }
            else if (_takenChunks == _numTakes && (!HasReduce || _reduced == _numFills) && (!_fills || _filled == _numFills)) return true;
            else if (!OldestMayGoOn()) return false;
        }
    }

    // What the oldest chunk needs next is what is waited for: it never depends on a later one.
    bool OldestMayGoOn() =>
        _fills && _filled < _numFills && (_filled <= _takenChunks || _takenChunks == _numTakes) ? MayFill(_filled)
        : HasReduce && _reduced <= _takenChunks ? MayReduce(_reduced)
        : MayTake(_takenChunks);

    // Before the others have come: as many chunks as there are free slots.
    void Fill(bool quietly)
    {
        while (_filled < _numFills && MayFill(_filled))
        {
            FillSlot(_filled);
            _filled++;
            if (quietly) Volatile.Write(ref Mine.Filled, Position(_ordinal, _filled));
            else Owner.Publish(ref Mine.Filled, Position(_ordinal, _filled));
        }
    }

    void PlanTakes()
    {
        long most = 0;
        if (Takes(Rank))
        {
            if (IsWholeReduction) most = _numFills;
            else if (_call.Kind == CollectiveKind.ReduceScatter) most = Chunks(Part(Rank), _sliceElements);
            else
                for (var m = 0; m < Size; m++)
                    if (m != Rank && Gives(m)) most = Math.Max(most, ChunksFrom(m));
        }
        _numTakes = most;
        if (most == 0 && _fills && _numFills > 0) Owner.Publish(ref Mine.Done, Position(_ordinal, LastChunk));
        CopyOwn();
    }

    /// <summary>How many chunks of a member's data have something for this one.</summary>
    long ChunksFrom(int member) => Chunks(TakeCount(member), _isWhole ? _chunkElements : _sliceElements);

    long TakeCount(int member) => _call.Kind switch
    {
        CollectiveKind.AllGather or CollectiveKind.Gather => Part(member),
        CollectiveKind.AllToAll => _taken[member + 1] - _taken[member],
        _ => _outputCount,
    };

    // What stays with its member does not cross.
    void CopyOwn()
    {
        switch (_call.Kind)
        {
            case CollectiveKind.AllGather or CollectiveKind.Gather when _output != null:
                Copy(_input, _output + (_parts[Rank] * _elementBytes), Part(Rank));
                break;
            case CollectiveKind.Scatter when Rank == _call.Peer:
                Copy(_input + (_parts[Rank] * _elementBytes), _output, _outputCount);
                break;
            case CollectiveKind.AllToAll:
                Copy(_input + (_parts[Rank] * _elementBytes), _output + (_taken[Rank] * _elementBytes), Part(Rank));
                break;
        }
    }

    bool MayFill(long chunk)
    {
        // The own slice may still be wanted here.
        if (IsUniform && (_numTakes < 0 || _takenChunks < _numTakes) && chunk >= _takenChunks + Block.Sizes.NumSlots) return false;
        var slot = _firstSlot + chunk;
        var free = Owner.SlotFree(slot);
        var reader = Owner.SlotReader(slot);
        for (var m = 0; m < Size; m++)
            if (m != Rank && (reader < 0 || reader == m) && !Reached(ref Block.Progress(m)->Done, free)) return false;
        return true;
    }

    void FillSlot(long chunk)
    {
        var slot = Block.Slot(Rank, _firstSlot + chunk);
        Owner.SlotFree(_firstSlot + chunk) = Position(_ordinal, chunk + 1);
        Owner.SlotReader(_firstSlot + chunk) = _call.Kind == CollectiveKind.Gather ? _call.Peer : -1;
        if (_isWhole)
        {
            var start = chunk * _chunkElements;
            CopyIn(_input + (start * _elementBytes), slot, Math.Min(_chunkElements, _inputCount - start));
            return;
        }
        for (var m = 0; m < Size; m++)
        {
            // The own slice is read where it lies, unless it must be rounded first.
            if (m == Rank && _wire is null) continue;
            var start = chunk * _sliceElements;
            CopyIn(_input + ((_parts[m] + start) * _elementBytes), slot + (m * SliceBytes), Math.Min(_sliceElements, Part(m) - start));
        }
    }

    bool MayReduce(long chunk)
    {
        if (_filled <= chunk) return false;
        for (var m = 0; m < Size; m++)
            if (m != Rank && !Reached(ref Block.Progress(m)->Filled, Position(_ordinal, chunk + 1))) return false;
        return true;
    }

    void ReduceSlice(long chunk)
    {
        var start = chunk * _sliceElements;
        var count = Math.Min(_sliceElements, Part(Rank) - start);
        if (count <= 0) return;
        var own = _input + ((_parts[Rank] + start) * _elementBytes);
        var result = SlotOf(Rank, chunk) + (Rank * SliceBytes);
        var sources = stackalloc byte*[Size];
        for (var m = 0; m < Size; m++) sources[m] = m == Rank && _wire is null ? own : SlotOf(m, chunk) + (Rank * SliceBytes);
        var destinations = stackalloc byte*[2] { result, own };
        _chunkReduction!.Run(sources, Size, destinations, _wire is null ? 2 : 1, (nint)count);
        if (_wire is not null) _wire.Widen(result, (float*)own, (nint)count);
    }

    bool MayTake(long chunk)
    {
        if (HasReduce && _reduced <= chunk) return false;
        if (_call.Kind == CollectiveKind.Reduce && Rank != _call.Peer) return true;
        // What a result takes the place of was copied in first.
        if (IsUniform && _filled <= chunk) return false;
        for (var m = 0; m < Size; m++)
        {
            if (m == Rank || !Gives(m)) continue;
            if (HasReduce)
            {
                if (!Reached(ref Block.Progress(m)->Reduced, Position(_ordinal, chunk + 1))) return false;
            }
            else if ((_isWhole && IsWholeReduction) || _call.Kind == CollectiveKind.ReduceScatter || chunk < ChunksFrom(m))
            {
                if (!IsReadInPlace(m) && !Reached(ref Block.Progress(m)->Filled, Position(_ordinal, chunk + 1))) return false;
            }
        }
        return true;
    }

    void Take(long chunk)
    {
        switch (_call.Kind)
        {
            case CollectiveKind.AllReduce when _isWhole:
                ReducePieces(chunk);
                break;
            case CollectiveKind.AllReduce:
                TakeResults(chunk);
                break;
            case CollectiveKind.Reduce:
                if (Rank == _call.Peer) TakeResults(chunk);
                break;
            case CollectiveKind.ReduceScatter:
                ReduceOwnSlices(chunk);
                break;
            case CollectiveKind.Scatter or CollectiveKind.AllToAll:
                for (var m = 0; m < Size; m++)
                {
                    if (m == Rank || !Gives(m)) continue;
                    var start = chunk * _sliceElements;
                    var count = Math.Min(_sliceElements, TakeCount(m) - start);
                    if (count <= 0) continue;
                    var source = IsReadInPlace(m) ? SourceOf(m) + ((StartFor(Block.PostOf(m, _ordinal), Rank) + start) * _elementBytes) : SlotOf(m, chunk) + (Rank * SliceBytes);
                    Copy(source, _output + ((OutputStart(m) + start) * _elementBytes), count);
                }
                break;
            default:
                for (var m = 0; m < Size; m++)
                {
                    if (m == Rank || !Gives(m)) continue;
                    var start = chunk * _chunkElements;
                    var count = Math.Min(_chunkElements, TakeCount(m) - start);
                    if (count <= 0) continue;
                    var source = IsReadInPlace(m) ? SourceOf(m) + (start * _elementBytes) : SlotOf(m, chunk);
                    Copy(source, _output + ((OutputStart(m) + start) * _elementBytes), count);
                }
                break;
        }
    }

    bool IsReadInPlace(int member) => !IsUniform && Block.PostOf(member, _ordinal)->Code >= 0;

    long OutputStart(int member) => _call.Kind switch
    {
        CollectiveKind.AllToAll => _taken[member],
        CollectiveKind.AllGather or CollectiveKind.Gather => _parts[member],
        _ => 0,
    };

    void ReducePieces(long chunk)
    {
        var start = chunk * _chunkElements;
        var output = _output + (start * _elementBytes);
        var sources = stackalloc byte*[Size];
        for (var m = 0; m < Size; m++) sources[m] = m == Rank ? _input + (start * _elementBytes) : SlotOf(m, chunk);
        _chunkReduction!.Run(sources, Size, &output, 1, (nint)Math.Min(_chunkElements, _count - start));
    }

    void TakeResults(long chunk)
    {
        var start = chunk * _sliceElements;
        for (var m = 0; m < Size; m++)
            if (m != Rank) CopyOut(SlotOf(m, chunk) + (m * SliceBytes), _output + ((_parts[m] + start) * _elementBytes), Math.Min(_sliceElements, Part(m) - start));
    }

    void ReduceOwnSlices(long chunk)
    {
        var start = chunk * _sliceElements;
        var count = (nint)Math.Min(_sliceElements, Part(Rank) - start);
        if (count <= 0) return;
        var sources = stackalloc byte*[Size];
        var output = _output + (start * _elementBytes);
        if (_wire is not null)
        {
            // The sum takes the place of the own slice, which nobody else reads.
            var result = SlotOf(Rank, chunk) + (Rank * SliceBytes);
            for (var m = 0; m < Size; m++) sources[m] = SlotOf(m, chunk) + (Rank * SliceBytes);
            _chunkReduction!.Run(sources, Size, &result, 1, count);
            _wire.Widen(result, (float*)output, count);
            return;
        }
        var offset = (_parts[Rank] + start) * _elementBytes;
        for (var m = 0; m < Size; m++) sources[m] = m == Rank ? _input + offset : IsReadInPlace(m) ? SourceOf(m) + offset : SlotOf(m, chunk) + (Rank * SliceBytes);
        _chunkReduction!.Run(sources, Size, &output, 1, count);
    }

    byte* SlotOf(int member, long chunk) => Block.Slot(member, member == Rank ? _firstSlot + chunk : Block.PostOf(member, _ordinal)->FirstSlot + chunk);

    void CopyIn(byte* source, byte* slot, long count)
    {
        if (count <= 0) return;
        if (_wire is not null) _wire.Narrow((float*)source, slot, (nint)count);
        else Copy(source, slot, count);
    }

    void CopyOut(byte* slot, byte* destination, long count)
    {
        if (count <= 0) return;
        if (_wire is not null) _wire.Widen(slot, (float*)destination, (nint)count);
        else Copy(slot, destination, count);
    }
}
