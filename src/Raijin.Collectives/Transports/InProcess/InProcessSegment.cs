using System.Runtime.InteropServices;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>The process's own memory as a segment: ranks are threads, every one reaches all memory of every other, and nothing is ever copied on the way. All ranks share this object.</summary>
sealed unsafe class InProcessSegment : Segment
{
    static readonly BlockSizes NoSlots = new(0, 0, 0);

    readonly Lock _gate = new();
    readonly Dictionary<(nint Group, long Number, int Leader), (nint Block, int Takers)> _parts = [];
    readonly List<nint> _memory = [];
    readonly RankBoard _board;
    readonly TimeSpan _spin;
    int _users;

    InProcessSegment(int size)
    {
        _board = new RankBoard(NewMemory(RankBoard.Bytes(size)));
        // A thread that looks takes the core of the one it waits for, where there are more threads than cores.
        _spin = size <= Environment.ProcessorCount ? TimeSpan.FromMicroseconds(50) : TimeSpan.Zero;
    }

    public override TransportKind Kind => TransportKind.InProcess;

    public override RankBoard Board => _board;

    public override bool SharesAllMemory => true;

    public override TimeSpan LongestSpin => _spin;

    /// <summary>The transports of a world of threads, by rank.</summary>
    public static SegmentTransport[] World(int size)
    {
        var segment = new InProcessSegment(size);
        var memory = segment.NewMemory(GroupBlock.Bytes(size, NoSlots));
        int[] members = [.. Enumerable.Range(0, size)];
        return [.. members.Select(rank => segment.Join(memory, members, rank))];
    }

    public override long Locate(GroupBlock group, nint address, long bytes) => address;

    public override nint Resolve(GroupBlock group, long code) => (nint)code;

    public override Tensor Allocate(SegmentTransport owner, long numElements, ScalarType dtype)
    {
        var tensor = empty(numElements, dtype);
        HugePages.Advise(tensor);
        if (TensorAccess.TryGetHostMemory(tensor, out var memory)) NativeMemory.Clear((void*)memory.Data, (nuint)(numElements * tensor.element_size()));
        return tensor;
    }

    public override GroupBlock Part(SegmentTransport owner, IReadOnlyList<int> ranks)
    {
        var whole = owner.Block;
        var key = ((nint)whole.Progress(0), owner.NextMapping(), ranks[0]);
        nint memory;
        lock (_gate)
        {
            if (!_parts.TryGetValue(key, out var part)) part = ((nint)NewMemory(GroupBlock.Bytes(ranks.Count, NoSlots)), 0);
            memory = part.Block;
            if (part.Takers + 1 == ranks.Count) _parts.Remove(key);
            else _parts[key] = (memory, part.Takers + 1);
            _users++;
        }
        return new GroupBlock((byte*)memory, [.. ranks.Select(r => whole.Members[r])], ranks.ToList().IndexOf(whole.Rank), whole, NoSlots);
    }

    public override string? Gone(int worldRank, out bool hadLeft)
    {
        hadLeft = false;
        return null;
    }

    public override bool TryRetain()
    {
        lock (_gate)
        {
            if (_users == 0) return false;
            _users++;
            return true;
        }
    }

    public override void Release()
    {
        lock (_gate)
        {
            if (--_users > 0) return;
            foreach (var memory in _memory) NativeMemory.AlignedFree((void*)memory);
            _memory.Clear();
        }
    }

    public override void Leave(GroupBlock group) => Release();

    SegmentTransport Join(byte* memory, int[] members, int rank)
    {
        _users++;
        return new SegmentTransport(this, new GroupBlock(memory, members, rank, null, NoSlots));
    }

    byte* NewMemory(long bytes)
    {
        var memory = NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        NativeMemory.Clear(memory, (nuint)bytes);
        _memory.Add((nint)memory);
        return (byte*)memory;
    }
}
