namespace Raijin.Collectives;

// Every member reads the others' memory where it lies. A reduction of n members: each reads n × its share and writes it where results go, so a byte is read once and written once.
sealed unsafe partial class CollectiveCall
{
    void WorkDirectly()
    {
        Owner.Enter();
        switch (_call.Kind)
        {
            case CollectiveKind.AllReduce or CollectiveKind.Reduce:
                ReduceWhole();
                break;
            case CollectiveKind.ReduceScatter:
                ReduceOwnPart();
                break;
            case CollectiveKind.AllGather or CollectiveKind.Gather when _output != null:
                for (var i = 0; i < Size; i++)
                {
                    // Not all at the same member at once.
                    var m = (Rank + i) % Size;
                    CopyFrom(m, 0, _output + (_parts[m] * _elementBytes), Part(m));
                }
                break;
            case CollectiveKind.Broadcast when Rank != _call.Peer:
                CopyFrom(_call.Peer, 0, _output, _outputCount);
                break;
            case CollectiveKind.Scatter:
                CopyFrom(_call.Peer, StartFor(Block.PostOf(_call.Peer, _ordinal), Rank), _output, _outputCount);
                break;
            case CollectiveKind.AllToAll:
                for (var i = 0; i < Size; i++)
                {
                    var m = (Rank + i) % Size;
                    CopyFrom(m, StartFor(Block.PostOf(m, _ordinal), Rank), _output + (_taken[m] * _elementBytes), _taken[m + 1] - _taken[m]);
                }
                break;
        }
        Owner.Exit();
    }

    void ReduceWhole()
    {
        if (Part(Rank) == 0) return;
        var pointers = stackalloc byte*[Size];
        for (var m = 0; m < Size; m++) pointers[m] = SourceOf(m) + (_parts[Rank] * _elementBytes);
        if (_call.Kind == CollectiveKind.AllReduce) _reduction!.Run(pointers, Size, pointers, Size, (nint)Part(Rank));
        else _reduction!.Run(pointers, Size, pointers + _call.Peer, 1, (nint)Part(Rank));
    }

    void ReduceOwnPart()
    {
        if (Part(Rank) == 0) return;
        var sources = stackalloc byte*[Size];
        for (var m = 0; m < Size; m++) sources[m] = SourceOf(m) + (_parts[Rank] * _elementBytes);
        var output = _output;
        _reduction!.Run(sources, Size, &output, 1, (nint)Part(Rank));
    }

    byte* SourceOf(int member) => member == Rank ? _input : Owner.Resolve(Block.PostOf(member, _ordinal)->Code);

    void CopyFrom(int member, long start, byte* destination, long count)
    {
        if (count > 0) Copy(SourceOf(member) + (start * _elementBytes), destination, count);
    }

    void Copy(byte* source, byte* destination, long count)
    {
        var bytes = count * _elementBytes;
        if (bytes > 0 && source != destination) Buffer.MemoryCopy(source, destination, bytes, bytes);
    }
}
