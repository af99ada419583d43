using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// A reduction in rounds, each over a chunk of the buffer: every rank gets its part of the chunk from all others (all-to-all), reduces it in the order of the ranks, and hands it out (all-gather, or gather
/// for Reduce; nothing for ReduceScatter). While a chunk is reduced the next is under way. A rank sends and receives 2 (n - 1) / n of the buffer. What is small goes whole to everybody in one call.
/// </summary>
/// <remarks>
/// All ranks make the calls of MPI in one order, whatever their timing: exchange 0, exchange 1, hand out 0, exchange 2, hand out 1, exchange 3 …
/// </remarks>
sealed unsafe class MpiReduction : MpiCall
{
    /// <summary>Up to here all buffers together fit one message each: one call costs less than two.</summary>
    const long SmallBytes = 128 << 10;

    const long ChunkBytes = 4 << 20;

    readonly ScalarType _crossed;
    readonly Reduction _reduction;
    readonly int _bytes;
    readonly int _size;
    readonly int _rank;
    readonly long _numElements;
    readonly long _step;
    readonly long _rounds;
    readonly long[]? _starts;
    readonly nint[] _exchange = new nint[2];
    readonly nint[] _handOut = new nint[2];
    readonly bool[] _isHandingOut = new bool[2];
    readonly bool _isSmall;
    long _round;

    public MpiReduction(MpiTransport transport, in Collective call, long number) : base(transport, call, number)
    {
        (_size, _rank) = (transport.Size, transport.Rank);
        _crossed = call.Wire ?? DType;
        if (IsCoded && (DType != ScalarType.Float32 || _crossed is not (ScalarType.BFloat16 or ScalarType.Float16)))
            throw new NotSupportedException($"{DType} does not cross as {_crossed}: Float32 crosses as BFloat16 or Float16, everything else as itself.");
        _reduction = Reduction.For(_crossed, null, call.Op);
        _bytes = MpiAbi.ElementBytes(_crossed);
        _numElements = call.Input!.NumberOfElements;
        var chunk = ChunkBytes / _bytes;
        if (call.Kind == CollectiveKind.ReduceScatter)
        {
            MpiParts.ThrowIfTooMany(call.Kind, _numElements);
            _starts = new long[_size + 1];
            long largest = 0;
            for (var r = 0; r < _size; r++)
            {
                var count = call.InputCounts?[r] ?? _numElements / _size;
                _starts[r + 1] = _starts[r] + count;
                largest = Math.Max(largest, count);
            }
            _step = Math.Min(Math.Max(chunk / _size, 1), largest);
            _rounds = Rounds(largest, _step);
        }
        else
        {
            _isSmall = _size * _numElements * _bytes <= SmallBytes;
            _step = chunk;
            _rounds = Rounds(_numElements, chunk);
        }

        static long Rounds(long numElements, long step) => numElements == 0 ? 0 : (numElements + step - 1) / step;
    }

    bool IsCoded => _crossed != DType;

    MpiStaging Staging => Transport.Staging;

    protected override void Issue()
    {
        if (_rounds == 0) return;
        // As much as a round moves; parts of a chunk are rounded up.
        var room = _isSmall ? _numElements * _size : _starts is null ? Math.Min(_step, _numElements) + (32 * _size) : _step * _size;
        Staging.Grow(room * _bytes, IsCoded);
        if (_isSmall) GatherAll();
        else
        {
            Exchange(0);
            if (_rounds > 1) Exchange(1);
        }
    }

    protected override bool Advance()
    {
        while (_round < _rounds)
        {
            var slot = _round & 1;
            if (!IsComplete(ref _exchange[slot])) return false;
            if (_isSmall) ReduceAll();
            else
            {
                // Its staging is still being handed out.
                if (_isHandingOut[slot] && !IsHandedOut(_round - 2)) return false;
                HandOut(_round);
                if (_round + 2 < _rounds) Exchange(_round + 2);
            }
            _round++;
            Transport.Moved();
        }
        return (_rounds < 2 || IsHandedOut(_rounds - 2)) && (_rounds < 1 || IsHandedOut(_rounds - 1));
    }

    /// <summary>Where rank <paramref name="r"/>'s part of a round lies: its first element in the buffer, and how many.</summary>
    (long Start, int Count) Part(long round, int r)
    {
        if (_starts is not null)
        {
            var first = Math.Min(_starts[r] + (round * _step), _starts[r + 1]);
            return (first, (int)Math.Min(_step, _starts[r + 1] - first));
        }
        var (start, length) = Chunk(round);
        // Parts begin at whole cache lines of the chunk.
        var each = (((length + _size - 1) / _size) + 15) & ~15L;
        var begin = Math.Min(r * each, length);
        return (start + begin, (int)(Math.Min(begin + each, length) - begin));
    }

    (long Start, long Length) Chunk(long round) => (round * _step, Math.Min(_step, _numElements - (round * _step)));

    void Exchange(long round)
    {
        var slot = (int)(round & 1);
        var (sent, received) = (Staging.Sent(slot), Staging.Received(slot));
        var mine = Part(round, _rank).Count;
        var from = Staged(round);
        var origin = _starts is null ? Chunk(round).Start : 0;
        for (int r = 0, packed = 0; r < _size; r++)
        {
            var (start, count) = Part(round, r);
            // Coded, the parts lie one after the other; else each at its place.
            var offset = IsCoded ? packed : (int)(start - origin);
            if (IsCoded) WireFormat.For(_crossed).Narrow((float*)Input + start, (byte*)from + (packed * _bytes), count);
            packed += count;
            sent.Set(r, r == _rank ? 0 : count, offset);
            received.Set(r, r == _rank ? 0 : mine, r * mine);
        }
        var word = Library.Abi.Word(_crossed);
        fixed (nint* request = &_exchange[slot])
            Library.Check(Library.Ialltoallv(from, sent.Counts, sent.Offsets, word, Staging.Incoming(slot), received.Counts, received.Offsets, word, Transport.Communicator, request), "MPI_Ialltoallv");
    }

    /// <summary>Where a round's parts are sent from.</summary>
    nint Staged(long round) => IsCoded ? Staging.Coded((int)(round & 1)) : Input + (nint)((_starts is null ? Chunk(round).Start : 0) * _bytes);

    void HandOut(long round)
    {
        var slot = (int)(round & 1);
        var (start, mine) = Part(round, _rank);
        var sources = stackalloc nint[_size];
        for (var r = 0; r < _size; r++) sources[r] = Staging.Incoming(slot) + ((nint)r * mine * _bytes);
        sources[_rank] = Staged(round) + ((nint)Staging.Sent(slot).Offsets[_rank] * _bytes);
        if (_starts is not null)
        {
            ReduceTo(sources, Output + (nint)((start - _starts[_rank]) * MpiAbi.ElementBytes(DType)), mine, slot);
            return;
        }
        var chunk = Chunk(round);
        var whole = IsCoded ? Staging.Outgoing(slot) : Output + (nint)(chunk.Start * _bytes);
        var place = whole + (nint)((start - chunk.Start) * _bytes);
        Reduce(sources, place, mine);
        var parts = Staging.HandedOut(slot);
        for (var r = 0; r < _size; r++)
        {
            var part = Part(round, r);
            parts.Set(r, part.Count, (int)(part.Start - chunk.Start));
        }
        var (word, inPlace) = (Library.Abi.Word(_crossed), Library.Abi.InPlace);
        fixed (nint* request = &_handOut[slot])
        {
            if (Call.Kind == CollectiveKind.AllReduce) Library.Check(Library.Iallgatherv(inPlace, 0, word, whole, parts.Counts, parts.Offsets, word, Transport.Communicator, request), "MPI_Iallgatherv");
            else Library.Check(Library.Igatherv(Call.Peer == _rank ? inPlace : place, mine, word, whole, parts.Counts, parts.Offsets, word, Call.Peer, Transport.Communicator, request), "MPI_Igatherv");
        }
        _isHandingOut[slot] = true;
    }

    bool IsHandedOut(long round)
    {
        var slot = (int)(round & 1);
        if (!_isHandingOut[slot]) return true;
        if (!IsComplete(ref _handOut[slot])) return false;
        _isHandingOut[slot] = false;
        if (IsCoded && HasResult)
        {
            var chunk = Chunk(round);
            WireFormat.For(_crossed).Widen((byte*)Staging.Outgoing(slot), (float*)Output + chunk.Start, (nint)chunk.Length);
        }
        return true;
    }

    bool HasResult => Call.Peer < 0 || Call.Peer == _rank;

    void GatherAll()
    {
        var (count, word) = ((int)_numElements, Library.Abi.Word(_crossed));
        if (IsCoded) WireFormat.For(_crossed).Narrow((float*)Input, (byte*)Staging.Coded(0), count);
        fixed (nint* request = &_exchange[0])
            Library.Check(Library.Iallgather(IsCoded ? Staging.Coded(0) : Input, count, word, Staging.Incoming(0), count, word, Transport.Communicator, request), "MPI_Iallgather");
    }

    void ReduceAll()
    {
        if (!HasResult) return;
        var sources = stackalloc nint[_size];
        for (var r = 0; r < _size; r++) sources[r] = Staging.Incoming(0) + (nint)(r * _numElements * _bytes);
        ReduceTo(sources, Output, _numElements, slot: 0);
    }

    /// <summary>Reduces what crossed into a tensor: rounded as it would be to cross again.</summary>
    void ReduceTo(nint* sources, nint destination, long count, int slot)
    {
        Reduce(sources, IsCoded ? Staging.Outgoing(slot) : destination, count);
        if (IsCoded) WireFormat.For(_crossed).Widen((byte*)Staging.Outgoing(slot), (float*)destination, (nint)count);
    }

    void Reduce(nint* sources, nint destination, long count)
    {
        var target = (byte*)destination;
        _reduction.Run((byte**)sources, _size, &target, 1, (nint)count);
    }
}
