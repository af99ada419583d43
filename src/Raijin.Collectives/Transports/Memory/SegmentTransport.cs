using System.Diagnostics;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Raijin.Collectives;

// Every member posts a call in its own part of the group's block and goes on as far as the others' progress allows; nobody writes what another writes, but for results.
// Memory that all reach is read where it lies, each byte once; other memory crosses in chunks through its owner's slots, which are filled while earlier chunks are taken.
// Elements are reduced in the order of the ranks, each by one owner or by all in the same way: the bits are the same on all ranks, from run to run, and wherever the memory lies.

/// <summary>Collectives of one group over a segment of memory.</summary>
sealed unsafe class SegmentTransport : Transport
{
    // How long a wait goes on before it looks whether the others live, and between looks.
    const long LivenessMilliseconds = 50;

    readonly Segment _segment;
    readonly Waiter _waiter;
    readonly List<SegmentCall> _active = [];
    readonly Stack<CollectiveCall> _spareCalls = new();
    readonly Stack<MessageCall> _spareMessages = new();
    readonly MessageLane[] _sending;
    readonly MessageLane[] _receiving;
    readonly long[] _slotFree;
    readonly int[] _slotReader;

    long _calls;
    long _mappings;
    long _nextSlot;
    int _handedOut;
    long _looked;
    (ScalarType, ScalarType?, ReduceOp) _reductionOf;
    Reduction? _reduction;
    bool _disposed;

    public SegmentTransport(Segment segment, GroupBlock block)
    {
        _segment = segment;
        Block = block;
        _waiter = new Waiter(segment.Board, block.Members[block.Rank], segment.LongestSpin);
        _sending = new MessageLane[block.Size];
        _receiving = new MessageLane[block.Size];
        _slotFree = new long[block.Sizes.NumSlots];
        _slotReader = new int[block.Sizes.NumSlots];

    }

    public override TransportKind Kind => _segment.Kind;

    public override int Rank => Block.Rank;

    public override int Size => Block.Size;

    public GroupBlock Block { get; }

    public Segment Segment => _segment;

    /// <summary>How many collective calls have done their work here, in order. The next may begin its own.</summary>
    public long Worked { get; set; }


    /// <summary>Whether members read each other's memory wherever it lies.</summary>
    public bool SharesAllMemory => _segment.SharesAllMemory;

    public override Tensor Allocate(long numElements, ScalarType dtype) => _segment.Allocate(this, numElements, dtype);

    public override PendingCollective? Start(in Collective call)
    {
        ThrowIfFailed();
        SegmentCall started;
        if (call.Kind is CollectiveKind.Send or CollectiveKind.Receive)
        {
            var message = _spareMessages.TryPop(out var spare) ? spare : new MessageCall(this);
            message.Begin(call, call.Kind == CollectiveKind.Send ? _sending : _receiving);
            started = message;
        }
        else
        {
            var collective = _spareCalls.TryPop(out var spare) ? spare : new CollectiveCall(this);
            collective.Begin(call, _calls);
            _calls++;
            started = collective;
        }

        _active.Add(started);
        Advance();
        if (started.IsComplete && _handedOut == 0)
        {
            started.Recycle();
            return null;
        }
        // Complete or not: its turn comes after those before it.
        _handedOut++;
        return started;
    }

    public override Transport Split(IReadOnlyList<int> ranks, string name) => new SegmentTransport(_segment, _segment.Part(this, ranks));

    public override string? DescribePeer(int rank) => Block.LogOf(rank).Describe();

    public override void Abort(string reason)
    {
        if (!_segment.TryRetain()) return;
        try
        {
            Fail(Block.Members[Rank], reason);
        }
        finally
        {
            _segment.Release();
        }
    }

    /// <summary>A call that was handed out is over.</summary>
    public void TakeBack(SegmentCall call)
    {
        _handedOut--;
        call.Recycle();
    }

    /// <summary>Goes on with everything under way.</summary>
    public void Advance()
    {
        for (var i = 0; i < _active.Count; i++)
        {
            var call = _active[i];
            if (!call.Advance()) continue;
            Block.LogOf(Rank).End(call.LogNumber);
            _active.RemoveAt(i--);
        }
    }

    public void Pause(long* word, long target, TimeSpan atMost) => _waiter.Pause(word, target, Block, atMost);

    /// <summary>Waits for a word outside of a call, going on with what is under way.</summary>
    /// <exception cref="TimeoutException">The deadline was met first.</exception>
    public void WaitFor(ref long word, long target, TimeSpan deadline, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref word) < target)
        {
            Advance();
            ThrowIfFailed();
            ThrowIfSomeoneDied(null);
            if (Stopwatch.GetElapsedTime(start) > deadline) throw new TimeoutException($"{what}: not all ranks came within {deadline:c}. Every rank must make the same calls in the same order.");
            _waiter.Pause((long*)Unsafe.AsPointer(ref word), target, Block, TimeSpan.FromMilliseconds(20));
        }
    }

    /// <summary>Writes a word that others may wait for, and wakes them.</summary>
    public void Publish(ref long word, long value)
    {
        Interlocked.Exchange(ref word, value);
        Wake(Block);
    }

    /// <summary>Writes a word that one other member may wait for.</summary>
    public void Publish(ref long word, long value, int reader)
    {
        Interlocked.Exchange(ref word, value);
        _waiter.Ring(Block.Members[reader]);
    }

    /// <summary>Where memory that a member located lies here.</summary>
    public byte* Resolve(long code) => (byte*)_segment.Resolve(Block, code);

    public long Locate(byte* address, long bytes) => _segment.Locate(Block, (nint)address, bytes);

    public Reduction ReductionFor(ScalarType dtype, ScalarType? wire, ReduceOp op)
    {
        if (_reduction is null || _reductionOf != (dtype, wire, op)) (_reduction, _reductionOf) = (Reduction.For(dtype, wire, op), (dtype, wire, op));
        return _reduction;
    }

    /// <summary>The number of the next mapping that members make together.</summary>
    public long NextMapping() => ++_mappings;

    /// <summary>Reserves this member's slots for the chunks of a call.</summary>
    /// <returns>The first.</returns>
    public int ReserveSlots(long chunks)
    {
        if (_slotFree.Length == 0) return 0;
        var first = (int)_nextSlot;
        _nextSlot = (first + chunks) % _slotFree.Length;
        return first;
    }

    /// <summary>Where readers must have got before a slot may be filled again.</summary>
    public ref long SlotFree(long chunk) => ref _slotFree[chunk % _slotFree.Length];

    /// <summary>Which member reads a slot; -1 for all.</summary>
    public ref int SlotReader(long chunk) => ref _slotReader[chunk % _slotFree.Length];

    public void Recycle(CollectiveCall call) => _spareCalls.Push(call);

    public void Recycle(MessageCall call) => _spareMessages.Push(call);

    /// <summary>Before this member reads or writes memory of others.</summary>
    /// <exception cref="RankFailureException">Somebody gave up, and may free that memory.</exception>
    public void Enter()
    {
        if (!_segment.SharesAllMemory) return;
        Interlocked.Increment(ref _segment.Board[Block.Members[Rank]]->Inside);
        if (!Block.HasFailed()) return;
        Exit();
        ThrowIfFailed();
    }

    /// <summary>After it.</summary>
    public void Exit()
    {
        if (_segment.SharesAllMemory) Interlocked.Decrement(ref _segment.Board[Block.Members[Rank]]->Inside);
    }

    /// <summary>Throws what ended the group, once nobody is inside this member's memory any more.</summary>
    [StackTraceHidden]
    public void ThrowIfFailed()
    {
        if (!Block.HasFailed()) return;
        AwaitVisitors();
        throw Block.Failure()!;
    }

    /// <summary>The same for a call that can't go on, which looks now and then whether those it waits for are alive.</summary>
    [StackTraceHidden]
    public void ThrowIfStuck(SegmentCall call)
    {
        ThrowIfFailed();
        ThrowIfSomeoneDied(call);
    }

    /// <summary>Two members made different calls.</summary>
    [StackTraceHidden]
    public void ThrowMismatch(int other, ulong ours, long ourCount, ulong theirs, long theirCount)
    {
        var error = new CollectiveMismatchException(
            $"Rank {Block.Members[Rank]} calls {CallSignature.Describe(ours, ourCount, ourCount)}, rank {Block.Members[other]} calls {CallSignature.Describe(theirs, theirCount, theirCount)} at the same place. "
            + "Every rank must make the same calls in the same order.");
        Fail(Block.Members[Rank], error.Message);
        throw error;
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed) return;
        _disposed = true;
        // The others may be reading what is about to be freed here.
        if (_active.Count > 0) Abort($"it left the group with {_active.Count} calls under way");
        _segment.Leave(Block);
    }

    void ThrowIfSomeoneDied(SegmentCall? call)
    {
        var now = Environment.TickCount64;
        if (now - _looked < LivenessMilliseconds) return;
        _looked = now;
        foreach (var member in Block.Members)
        {
            if (member == Block.Members[Rank]) continue;
            if (_segment.Gone(member, out var hadLeft) is not { } how) continue;
            // Who left properly is missed only by who waits for it.
            if (hadLeft && call is not null && !IsMissing(call, member)) continue;
            // What it wrote last may have arrived since.
            Advance();
            if (call is { IsComplete: true }) return;
            // All groups have lost it.
            var world = Block;
            while (world.Parent is { } parent) world = parent;
            if (world.TryAbort(member, how)) Wake(world);
            ThrowIfFailed();
        }
    }

    // Apart: the loop above makes no garbage for it.
    bool IsMissing(SegmentCall call, int worldRank) => call.Missing().Any(m => Block.Members[m] == worldRank);

    void Fail(int worldRank, string reason)
    {
        if (Block.TryAbort(worldRank, reason)) Wake(Block);
        AwaitVisitors();
    }

    // Whoever is inside finishes its part in some milliseconds; whoever comes later sees that the group has failed.
    void AwaitVisitors()
    {
        if (!_segment.SharesAllMemory) return;
        Interlocked.MemoryBarrier();
        var wait = new SpinWait();
        for (var i = 0; i < Size; i++)
            while (i != Rank && Volatile.Read(ref _segment.Board[Block.Members[i]]->Inside) != 0) wait.SpinOnce(sleep1Threshold: -1);
    }

    void Wake(GroupBlock group)
    {
        var members = group.Members;
        for (var i = 0; i < members.Length; i++)
            if (i != group.Rank) _waiter.Ring(members[i]);
    }
}
