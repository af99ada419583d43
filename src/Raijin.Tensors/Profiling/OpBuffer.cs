using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>
/// What one thread records: slots in unmanaged memory, filled by the thread alone, read when the recording has stopped. Nothing in here allocates on the managed
/// heap, waits or throws: it is called by libtorch around every op.
/// </summary>
unsafe struct OpBuffer
{
    const int MaxDepth = 128;
    const int MaxArguments = 32;
    const int NameSlots = 4096;         // a power of two
    const int NameBytes = 256 * 1024;
    const int ShapeIntsPerOp = 16;

    public int ThreadId;
    public int Count;
    public long Dropped;

    int _capacity;
    int _depth;
    int _namesUsed;
    int _numNames;
    int _shapesUsed;
    int _shapesCapacity;
    OpSlot* _slots;
    int* _shapes;
    byte* _names;
    ulong* _nameHashes;
    int* _nameOffsets;
    fixed int _open[MaxDepth];

    /// <summary>A buffer of zeroed pages: what is not used is never backed by memory.</summary>
    public static OpBuffer* Make(int capacity, bool shapes)
    {
        var buffer = (OpBuffer*)NativeMemory.AllocZeroed((nuint)sizeof(OpBuffer));
        buffer->_capacity = capacity;
        buffer->_slots = (OpSlot*)NativeMemory.AllocZeroed((nuint)capacity, (nuint)sizeof(OpSlot));
        buffer->_names = (byte*)NativeMemory.AllocZeroed(NameBytes);
        buffer->_nameHashes = (ulong*)NativeMemory.AllocZeroed(NameSlots, sizeof(ulong));
        buffer->_nameOffsets = (int*)NativeMemory.AllocZeroed(NameSlots, sizeof(int));
        if (!shapes) return buffer;
        buffer->_shapesCapacity = (int)Math.Min(Array.MaxLength, (long)capacity * ShapeIntsPerOp);
        buffer->_shapes = (int*)NativeMemory.AllocZeroed((nuint)buffer->_shapesCapacity, sizeof(int));
        return buffer;
    }

    public static void Free(OpBuffer* buffer)
    {
        NativeMemory.Free(buffer->_slots);
        NativeMemory.Free(buffer->_shapes);
        NativeMemory.Free(buffer->_names);
        NativeMemory.Free(buffer->_nameHashes);
        NativeMemory.Free(buffer->_nameOffsets);
        NativeMemory.Free(buffer);
    }

    public readonly bool Fits(int capacity, bool shapes) => _capacity == capacity && _shapes != null == shapes;

    /// <summary>Empties it for another recording. Names stay: they will come again.</summary>
    public void Reset(int threadId)
    {
        ThreadId = threadId;
        Count = _depth = _shapesUsed = 0;
        Dropped = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Begin(byte* name, long sequence, OpKind kind, ulong* arguments, nint numArguments)
    {
        if (_depth >= MaxDepth || Count >= _capacity)
        {
            if (_depth < MaxDepth) _open[_depth] = -1;
            _depth++;
            Dropped++;
            return;
        }
        _open[_depth] = Count;
        var slot = _slots + Count;
        slot->Ended = 0;
        slot->Name = Intern(name);
        slot->Sequence = sequence;
        slot->Kind = kind;
        slot->Depth = (short)_depth++;
        slot->Inputs = numArguments < 0 ? -1 : KeepShapes(arguments, numArguments);
        slot->Outputs = -1;
        // Whoever reads sees a slot counted only once it is whole.
        Volatile.Write(ref Count, Count + 1);
        slot->Began = Stopwatch.GetTimestamp();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void End(ulong* results, nint numResults)
    {
        var now = Stopwatch.GetTimestamp();
        // An op that began before the recording did.
        if (_depth == 0) return;
        if (--_depth >= MaxDepth || _open[_depth] < 0) return;
        var slot = _slots + _open[_depth];
        slot->Ended = now;
        if (numResults >= 0) slot->Outputs = KeepShapes(results, numResults);
    }

    /// <summary>What was recorded and has ended, as managed objects.</summary>
    public readonly ThreadOps Read()
    {
        var names = new Dictionary<int, string>();
        var records = new List<OpRecord>(Count);
        for (var i = 0; i < Count; i++)
        {
            ref var slot = ref _slots[i];
            if (slot.Ended == 0) continue;
            if (!names.TryGetValue(slot.Name, out var name)) names[slot.Name] = name = Marshal.PtrToStringUTF8((nint)(_names + slot.Name))!;
            records.Add(new OpRecord(name, slot.Kind, slot.Began, slot.Ended, slot.Depth, slot.Sequence, slot.Inputs, slot.Outputs));
        }
        return new ThreadOps(ThreadId, records, new ReadOnlySpan<int>(_shapes, _shapesUsed).ToArray());
    }

    /// <summary>Where a copy of the name lies. Past the table's room all further names are the empty one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    int Intern(byte* name)
    {
        var text = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
        var hash = Hash(text);
        for (var at = (int)(hash & (NameSlots - 1)); ; at = (at + 1) & (NameSlots - 1))
        {
            if (_nameHashes[at] == hash) return _nameOffsets[at];
            if (_nameHashes[at] != 0) continue;
            // Offset 0 stays an empty text; a quarter of the slots stays free.
            if (_namesUsed + text.Length + 2 > NameBytes || _numNames >= NameSlots * 3 / 4) return 0;
            var offset = Math.Max(1, _namesUsed);
            text.CopyTo(new Span<byte>(_names + offset, text.Length));
            _namesUsed = offset + text.Length + 1;
            _nameHashes[at] = hash;
            _nameOffsets[at] = offset;
            _numNames++;
            return offset;
        }
    }

    // Never 0, which marks a free slot. Two names of one hash among a few hundred: one chance in 10^14.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static ulong Hash(ReadOnlySpan<byte> text)
    {
        const ulong Odd = 0x9E3779B97F4A7C15;
        var hash = (ulong)text.Length * Odd;
        while (text.Length >= 8)
        {
            hash = BitOperations.RotateLeft((hash ^ MemoryMarshal.Read<ulong>(text)) * Odd, 29);
            text = text[8..];
        }
        ulong tail = 0;
        for (var i = 0; i < text.Length; i++) tail |= (ulong)text[i] << (8 * i);
        hash = (hash ^ tail) * Odd;
        return (hash ^ hash >> 32) | 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    int KeepShapes(ulong* values, nint count)
    {
        var arguments = (int)Math.Min(count, MaxArguments);
        var start = _shapesUsed;
        if (start >= _shapesCapacity) return -1;
        var at = start;
        _shapes[at++] = arguments;
        for (var i = 0; i < arguments; i++)
        {
            // An IValue is two words: its value, and its kind in the low half of the other.
            var value = values + 2 * i;
            long* sizes = null;
            long dims = 0;
            var isTensor = (int)value[1] == RecordFunctionAbi.TensorTag && RecordFunctionAbi.TryGetShape((nint)value, out sizes, out dims);
            if (at + 2 + dims > _shapesCapacity) return -1;
            if (!isTensor)
            {
                _shapes[at++] = -1;
                _shapes[at++] = (int)value[0];
                continue;
            }
            _shapes[at++] = (int)dims;
            for (var d = 0L; d < dims; d++) _shapes[at++] = (int)Math.Min(int.MaxValue, sizes[d]);
        }
        _shapesUsed = at;
        return start;
    }

    struct OpSlot
    {
        public long Began;
        public long Ended;
        public long Sequence;
        public int Name;
        public int Inputs;
        public int Outputs;
        public short Depth;
        public OpKind Kind;
    }
}
