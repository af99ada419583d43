using System.Globalization;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>Memory that the processes of one host map: what is allocated in it is read where it lies, everything else crosses in chunks. One object for each process of a world.</summary>
sealed unsafe class SharedMemorySegment : Segment
{
    const int OffsetBits = 40;
    const int IndexBits = 16;
    const int RegionHeaderBytes = 4096;

    readonly SharedMemoryOptions _options;
    readonly string _job;
    readonly int _rank;
    readonly SharedMapping _meeting;
    readonly PeerProcess?[] _peers;
    readonly Lock _gate = new();
    readonly List<SharedMapping> _blocks = [];
    Region[] _regions = [];
    int _named;
    bool _hasLeft;

    public SharedMemorySegment(SharedMapping meeting, RankBoard board, PeerProcess?[] peers, string job, int rank, SharedMemoryOptions options)
    {
        _meeting = meeting;
        _peers = peers;
        _job = job;
        _rank = rank;
        _options = options;
        Board = board;
        LongestSpin = peers.Length <= Environment.ProcessorCount ? options.Spin : TimeSpan.Zero;
    }

    public override TransportKind Kind => TransportKind.SharedMemory;

    public override RankBoard Board { get; }

    public override bool SharesAllMemory => false;

    public override TimeSpan LongestSpin { get; }

    BlockSizes Sizes => new(_options.NumSlots, _options.SlotBytes, _options.MessageSlotBytes);

    /// <summary>The block of all ranks: made by rank 0, mapped by all.</summary>
    /// <param name="offer">Where rank 0 says which memory it is.</param>
    /// <param name="wait">Waits for a word of another rank, to a deadline.</param>
    public GroupBlock World(Offer* offer, WaitForWord wait)
    {
        int[] members = [.. Enumerable.Range(0, _peers.Length)];
        var bytes = GroupBlock.Bytes(members.Length, Sizes);
        return Meet(offer, 1, bytes, isLeader: _rank == 0, wait, "mapping the segment", mapping => new GroupBlock(mapping.Start, members, _rank, null, Sizes));
    }

    public override GroupBlock Part(SegmentTransport owner, IReadOnlyList<int> ranks)
    {
        var whole = owner.Block;
        int[] members = [.. ranks.Select(r => whole.Members[r])];
        var rank = ranks.ToList().IndexOf(whole.Rank);
        return Meet(whole.OfferOf(ranks[0]), owner.NextMapping(), GroupBlock.Bytes(members.Length, Sizes), isLeader: rank == 0, Waiting(owner), "dividing the group",
            mapping => new GroupBlock(mapping.Start, members, rank, whole, Sizes));
    }

    public override Tensor Allocate(SegmentTransport owner, long numElements, ScalarType dtype)
    {
        Sweep();
        var group = owner.Block;
        var number = owner.NextMapping();
        if (numElements == 0) return empty(0, dtype);
        using var one = empty(1, dtype);
        var part = ((numElements * one.element_size()) + 4095) & ~4095L;
        var bytes = RegionHeaderBytes + (group.Size * part);
        if (bytes >> OffsetBits != 0) throw new ArgumentOutOfRangeException(nameof(numElements), numElements, $"Group.Allocate takes less than {1L << OffsetBits >> 30} GiB for all ranks together.");
        var mapping = Exchange(group.OfferOf(0), number, bytes, isLeader: group.Rank == 0, Waiting(owner), "allocating");
        var region = new Region(mapping, group, group.Allocations.Count);
        if (group.Allocations.Count >> IndexBits != 0) throw new InvalidOperationException($"Group.Allocate makes at most {1 << IndexBits} buffers for a group: allocate fewer, larger ones.");
        group.Allocations.Add((nint)mapping.Start);
        Interlocked.Increment(ref *region.Mapped);
        if (group.Rank == 0) Finish(mapping, ref *region.Mapped, group.Size, Waiting(owner), "allocating");
        lock (_gate) _regions = [.. _regions.Append(region).OrderBy(r => r.Start)];
        return MappedStorage.CreateTensor(mapping.View, RegionHeaderBytes + (group.Rank * part), [numElements], dtype, region.FreedHere);
    }

    public override long Locate(GroupBlock group, nint address, long bytes)
    {
        var regions = Volatile.Read(ref _regions);
        var (low, high) = (0, regions.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var region = regions[middle];
            if (address < region.Start) high = middle - 1;
            else if (address >= region.End) low = middle + 1;
            else return region.IsReachableIn(group) ? ((long)region.Group.Level << (OffsetBits + IndexBits)) | ((long)region.Index << OffsetBits) | (address - region.Start) : -1;
        }
        return -1;
    }

    public override nint Resolve(GroupBlock group, long code)
    {
        var level = (int)(code >> (OffsetBits + IndexBits));
        while (group.Level > level) group = group.Parent!;
        return group.Allocations[(int)(code >> OffsetBits) & ((1 << IndexBits) - 1)] + (nint)(code & ((1L << OffsetBits) - 1));
    }

    public override string? Gone(int worldRank, out bool hadLeft)
    {
        hadLeft = Volatile.Read(ref Board[worldRank]->Left) != 0;
        if (_hasLeft || _peers[worldRank] is not { HasEnded: true }) return null;
        var id = Board[worldRank]->ProcessId;
        return hadLeft ? string.Create(CultureInfo.InvariantCulture, $"its process {id} has left and ended") : string.Create(CultureInfo.InvariantCulture, $"it died without a word: its process {id} is gone");
    }

    // The blocks stay mapped as long as anybody holds this object: a rank may say why it gives up after it has left.
    public override bool TryRetain() => true;

    public override void Release()
    {
    }

    public override void Leave(GroupBlock group)
    {
        lock (_gate)
        {
            foreach (var region in _regions.Where(r => r.Group == group || group.Parent is null)) region.Unmap();
            _regions = [.. _regions.Where(r => r.Group != group && group.Parent is not null)];
        }
        if (group.Parent is not null || _hasLeft) return;
        _hasLeft = true;
        Interlocked.Exchange(ref Board[_rank]->Left, 1);
        foreach (var peer in _peers) peer?.Dispose();
    }

    WaitForWord Waiting(SegmentTransport owner) => (ref word, target, what) => owner.WaitFor(ref word, target, _options.Deadline, what);

    GroupBlock Meet(Offer* offer, long number, long bytes, bool isLeader, WaitForWord wait, string what, Func<SharedMapping, GroupBlock> lay)
    {
        var mapping = Exchange(offer, number, bytes, isLeader, wait, what);
        var block = lay(mapping);
        lock (_gate) _blocks.Add(mapping);
        Interlocked.Increment(ref *block.Mapped);
        if (isLeader) Finish(mapping, ref *block.Mapped, block.Size, wait, what);
        return block;
    }

    // The leader makes memory and says where it is; the others map it.
    SharedMapping Exchange(Offer* offer, long number, long bytes, bool isLeader, WaitForWord wait, string what)
    {
        if (isLeader)
        {
            var made = _options.NamedFiles ? SharedMapping.Create(NameOf(Environment.ProcessId, ++_named), bytes) : SharedMapping.CreateUnnamed(bytes);
            offer->Bytes = bytes;
            offer->ProcessId = Environment.ProcessId;
            offer->Descriptor = made.Name is null ? made.Descriptor : -_named;
            Interlocked.Exchange(ref offer->Number, number);
            return made;
        }
        wait(ref offer->Number, number, what);
        if (offer->Bytes != bytes) throw new CollectiveMismatchException($"Rank {_rank} wants {bytes} bytes of shared memory where another made {offer->Bytes}: every rank must allocate the same, in the same order.");
        try
        {
            var mapping = offer->Descriptor < 0 ? SharedMapping.Open(NameOf(offer->ProcessId, -offer->Descriptor), bytes) : SharedMapping.OpenUnnamed(offer->ProcessId, offer->Descriptor, bytes);
            mapping.CloseFile();
            return mapping;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // The leader closed it because it gave up or died: waiting for what never comes tells which.
            wait(ref offer->Number, long.MaxValue, what);
            throw;
        }
    }

    // Nobody opens it any more once all have.
    static void Finish(SharedMapping mapping, ref long mapped, int size, WaitForWord wait, string what)
    {
        try
        {
            wait(ref mapped, size, what);
        }
        finally
        {
            mapping.CloseFile();
            if (mapping.Name is { } name) File.Delete(name);
        }
    }

    string NameOf(int processId, int number) =>
        Path.Combine(_options.Folder, string.Create(CultureInfo.InvariantCulture, $"{SharedMemoryTransport.FileName(_job)}.{processId}.{number}"));

    // Memory goes when every member has freed its tensor: until then others may read the whole of it.
    void Sweep()
    {
        lock (_gate)
        {
            var free = _regions.Where(r => r.IsFreedEverywhere).ToList();
            if (free.Count == 0) return;
            _regions = [.. _regions.Except(free)];
            foreach (var region in free) region.Unmap();
        }
    }

    /// <summary>Waits for a word to reach a value; what for, as a deadline's message says it.</summary>
    public delegate void WaitForWord(ref long word, long target, string what);

    /// <summary>What the members of a group allocated together: a page of counts, then the memory of each.</summary>
    sealed class Region(SharedMapping mapping, GroupBlock group, int index)
    {
        public GroupBlock Group => group;

        public int Index => index;

        public nint Start { get; } = (nint)mapping.Start;

        public nint End { get; } = (nint)mapping.Start + (nint)mapping.Bytes;

        /// <summary>How many members have mapped it.</summary>
        public long* Mapped => (long*)Start;

        /// <summary>How many members have freed their tensor.</summary>
        long* Freed => (long*)Start + 1;

        public bool IsFreedEverywhere => Volatile.Read(ref *Freed) == group.Size;

        /// <summary>Whether all members of a group have it mapped and none has freed its own.</summary>
        public bool IsReachableIn(GroupBlock user)
        {
            for (var block = user; block is not null; block = block.Parent)
                if (block == group) return Volatile.Read(ref *Freed) == 0;
            return false;
        }

        public void FreedHere() => Interlocked.Increment(ref *Freed);

        public void Unmap()
        {
            group.Allocations[index] = 0;
            mapping.Dispose();
        }
    }
}
