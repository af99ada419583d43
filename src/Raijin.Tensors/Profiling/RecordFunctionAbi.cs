// at::RecordFunction of libtorch 2.10, release build, libstdc++, x64: what lies where. The first four are seen in the code of its own exported functions
// (runStartCallbacks, name); the rest follows from the members in between.
//
//     0  vtable
//     8  StepCallbacks: small vector of ≤ 4 pairs (16 + 64), thread id, scope, three flags      104  called
//   112  contexts: small vector of ≤ 4 pointers (16 + 32)
//   160  name: variant of a std::string and a schema's address, index at 192
//   200  sequence number     208  inputs: address, 216 count     224  named inputs (56)     280  outputs: begin, 288 end

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>libtorch's observer of ops, reached through exported C++ entry points with a structure laid out by hand.</summary>
static unsafe class RecordFunctionAbi
{
    public const int TensorTag = 1;
    const int SequenceOffset = 200, InputsOffset = 208, NumInputsOffset = 216, OutputsOffset = 280, OutputsEndOffset = 288;

    static readonly delegate* unmanaged[Cdecl]<Callback, ulong> AddGlobal = (delegate* unmanaged[Cdecl]<Callback, ulong>)NativeExports.OfTorch("_ZN2at17addGlobalCallbackENS_22RecordFunctionCallbackE");
    static readonly delegate* unmanaged[Cdecl]<ulong, void> Remove = (delegate* unmanaged[Cdecl]<ulong, void>)NativeExports.OfTorch("_ZN2at14removeCallbackEm");

    // Called around each op: each is a handful of loads.
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*> NameOf =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*>)NativeExports.OfTorch("_ZNK2at14RecordFunction4nameEv");
    static readonly delegate* unmanaged[Cdecl]<byte*, nuint> NumInputsOf = (delegate* unmanaged[Cdecl]<byte*, nuint>)NativeExports.OfTorch("_ZNK2at14RecordFunction10num_inputsEv");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, int> IsDefined =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, int>)NativeExports.OfTorch("aoti_torch_is_defined");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long*, int> GetDim =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long*, int>)NativeExports.OfTorch("aoti_torch_get_dim");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long**, int> GetSizes =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long**, int>)NativeExports.OfTorch("aoti_torch_get_sizes");

    // Which recording the callbacks write to; 0: none. A thread joins by taking the next buffer of the pool.
    static volatile int s_session;
    static int s_joined;
    static int s_joining;
    static int s_capacity;
    static bool s_shapes;
    static readonly nint[] Pool = new nint[OpRecorder.MaxThreads];

    [ThreadStatic] static OpBuffer* t_buffer;
    [ThreadStatic] static int t_session;

    // A check of the layout instead of a recording.
    static LayoutCheck* s_check;

    /// <summary>Why ops cannot be recorded here as far as can be told without trying; null when they may be.</summary>
    public static string? Obstacle()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return "only libtorch on Linux x64 shows its ops";
        if (LibTorch.LoadedVersion != LibTorch.BoundVersion) return $"the layout of libtorch {LibTorch.BoundVersion}'s observers is known, {LibTorch.LoadedVersion} is loaded";
        if (AddGlobal == null || Remove == null || NameOf == null || NumInputsOf == null || IsDefined == null || GetDim == null || GetSizes == null)
            return "this libtorch does not export the entry points of its observers";
        return null;
    }

    /// <summary>Attaches the observers.</summary>
    /// <returns>Their handles, for <see cref="Detach"/>.</returns>
    public static (ulong Ops, ulong Nodes) Attach(int session, int capacity, bool shapes)
    {
        s_capacity = capacity;
        s_shapes = shapes;
        s_joined = 0;
        s_session = session;
        return AddCallbacks(shapes);
    }

    /// <summary>Takes the observers away and gives what they recorded.</summary>
    public static OpTrace Detach((ulong Ops, ulong Nodes) handles)
    {
        s_session = 0;
        RemoveCallbacks(handles);
        // A thread that joined just before has its buffer soon; one that comes later sees that the recording is over.
        Interlocked.MemoryBarrier();
        var wait = new SpinWait();
        while (Volatile.Read(ref s_joining) > 0) wait.SpinOnce();
        var threads = new List<ThreadOps>();
        long dropped = 0;
        for (var i = 0; i < Math.Min(Volatile.Read(ref s_joined), Pool.Length); i++)
        {
            var buffer = (OpBuffer*)Pool[i];
            dropped += buffer->Dropped;
            if (buffer->Count > 0) threads.Add(buffer->Read());
        }
        return new OpTrace(threads, dropped);
    }

    /// <summary>Runs <paramref name="graph"/> under observers that compare what they see with what the graph is known to be.</summary>
    public static void Check(LayoutCheck* check, Action graph)
    {
        s_check = check;
        check->Thread = Environment.CurrentManagedThreadId;
        var handles = AddCallbacks(shapes: true);
        try
        {
            graph();
        }
        finally
        {
            RemoveCallbacks(handles);
            s_check = null;
        }
    }

    /// <summary>The shape of a defined tensor behind an <c>at::Tensor*</c>.</summary>
    public static bool TryGetShape(nint tensor, out long* sizes, out long dims)
    {
        byte defined;
        long* first;
        long count;
        if (IsDefined(tensor, &defined) != 0 || defined == 0 || GetDim(tensor, &count) != 0 || GetSizes(tensor, &first) != 0)
        {
            sizes = null;
            dims = 0;
            return false;
        }
        sizes = first;
        dims = count;
        return true;
    }

    static (ulong Ops, ulong Nodes) AddCallbacks(bool shapes)
    {
        var ops = new Callback { Start = &StartOp, End = &EndOp, SamplingProbability = 1, NeedsInputs = shapes ? (byte)1 : (byte)0, NeedsOutputs = shapes ? (byte)1 : (byte)0 };
        ops.Scopes[Callback.FunctionScope] = 1;
        var nodes = new Callback { Start = &StartNode, End = &EndNode, SamplingProbability = 1 };
        nodes.Scopes[Callback.BackwardScope] = 1;
        return (AddGlobal(ops), AddGlobal(nodes));
    }

    static void RemoveCallbacks((ulong Ops, ulong Nodes) handles)
    {
        Remove(handles.Ops);
        Remove(handles.Nodes);
    }

    // Most recordings last a step: what runs around each op is compiled well at once, not after thirty calls.
    // unique_ptr<ObserverContext> start(RecordFunction const&): the result by hidden pointer.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)]), MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static nint* StartOp(nint* context, byte* function)
    {
        *context = 0;
        if (s_check != null) s_check->Started(function);
        var buffer = Buffer();
        if (buffer != null)
            buffer->Begin(NameOf(function), *(long*)(function + SequenceOffset), OpKind.Op, *(ulong**)(function + InputsOffset), s_shapes ? *(nint*)(function + NumInputsOffset) : -1);
        return context;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)]), MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void EndOp(byte* function, nint context)
    {
        if (s_check != null) s_check->Ended(function);
        if (s_session == 0 || t_session != s_session || t_buffer == null) return;
        var outputs = *(ulong**)(function + OutputsOffset);
        t_buffer->End(outputs, s_shapes ? (nint)(*(ulong**)(function + OutputsEndOffset) - outputs) / 2 : -1);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)]), MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static nint* StartNode(nint* context, byte* function)
    {
        *context = 0;
        if (s_check != null) s_check->NodeStarted(function);
        var buffer = Buffer();
        if (buffer != null) buffer->Begin(NameOf(function), *(long*)(function + SequenceOffset), OpKind.BackwardNode, null, -1);
        return context;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)]), MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void EndNode(byte* function, nint context)
    {
        if (s_session != 0 && t_session == s_session && t_buffer != null) t_buffer->End(null, -1);
    }

    static OpBuffer* Buffer()
    {
        var session = s_session;
        if (session == 0) return null;
        return t_session == session ? t_buffer : Join(session);
    }

    // The pool's buffers stay for the next recording: a thread in the middle of an op may still hold one.
    static OpBuffer* Join(int session)
    {
        t_session = session;
        t_buffer = null;
        Interlocked.Increment(ref s_joining);
        if (s_session == session && Interlocked.Increment(ref s_joined) - 1 is var index && index < Pool.Length)
        {
            var buffer = (OpBuffer*)Pool[index];
            if (buffer != null && !buffer->Fits(s_capacity, s_shapes))
            {
                OpBuffer.Free(buffer);
                buffer = null;
            }
            if (buffer == null) Pool[index] = (nint)(buffer = OpBuffer.Make(s_capacity, s_shapes));
            buffer->Reset(Environment.CurrentManagedThreadId);
            t_buffer = buffer;
        }
        Interlocked.Decrement(ref s_joining);
        return t_buffer;
    }

    // at::RecordFunctionCallback: passed by value, 40 bytes.
    [StructLayout(LayoutKind.Sequential)]
    struct Callback
    {
        public const int FunctionScope = 0, BackwardScope = 1, NumScopes = 10;

        public delegate* unmanaged[Cdecl]<nint*, byte*, nint*> Start;
        public delegate* unmanaged[Cdecl]<byte*, nint, void> End;
        public double SamplingProbability;
        public fixed byte Scopes[NumScopes];
        public byte NeedsInputs;
        public byte NeedsOutputs;
        public byte NeedsIds;
    }

    /// <summary>
    /// What the observers saw of <c>mm([2, 3], [3, 5])</c> and its backward pass. Nothing behind a pointer is read before the counts agree with those of libtorch's own
    /// accessors.
    /// </summary>
    public struct LayoutCheck
    {
        public int Thread;
        public int Products;
        public int Nodes;
        public bool Inputs;
        public bool Outputs;
        public long Sequence;
        public long NodeSequence;

        public void Started(byte* function)
        {
            if (Environment.CurrentManagedThreadId != Thread || !IsProduct(function)) return;
            // The backward pass multiplies too: the first is the one.
            if (Products++ > 0) return;
            Sequence = *(long*)(function + SequenceOffset);
            var values = *(ulong**)(function + InputsOffset);
            Inputs = *(nint*)(function + NumInputsOffset) == 2 && NumInputsOf(function) == 2 && IsAddress(values) && Is(values, 2, 3) && Is(values + 2, 3, 5);
        }

        public void Ended(byte* function)
        {
            if (Environment.CurrentManagedThreadId != Thread || Products != 1 || !IsProduct(function)) return;
            var values = *(ulong**)(function + OutputsOffset);
            Outputs = *(ulong**)(function + OutputsEndOffset) == values + 2 && IsAddress(values) && Is(values, 2, 5);
        }

        public void NodeStarted(byte* function)
        {
            if (Environment.CurrentManagedThreadId != Thread || !MemoryMarshal.CreateReadOnlySpanFromNullTerminated(NameOf(function)).SequenceEqual("MmBackward0"u8)) return;
            Nodes++;
            NodeSequence = *(long*)(function + SequenceOffset);
        }

        static bool IsProduct(byte* function) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(NameOf(function)).SequenceEqual("aten::mm"u8);

        static bool IsAddress(ulong* values) => (nint)values > 4096 && ((nint)values & 7) == 0;

        static bool Is(ulong* value, long rows, long columns) =>
            (int)value[1] == TensorTag && TryGetShape((nint)value, out var sizes, out var dims) && dims == 2 && sizes[0] == rows && sizes[1] == columns;
    }
}
