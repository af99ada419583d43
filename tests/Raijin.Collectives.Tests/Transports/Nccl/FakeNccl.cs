using System.Globalization;
using System.Runtime.InteropServices;

namespace Raijin.Collectives.Tests.Transports.Nccl;

/// <summary>
/// NCCL and CUDA's driver as tables of functions that write down how they are called, by the C calling convention and with the argument types of nccl.h and cuda.h: what a transport really passes shows.
/// They move nothing.
/// </summary>
static unsafe class FakeNccl
{
    static readonly List<string> Lines = [];
    static readonly nint Text = Marshal.StringToCoTaskMemUTF8("the fake says no");

    /// <summary>What ncclGetVersion says.</summary>
    public static int Version { get; set; }

    /// <summary>What ncclCommGetAsyncError says.</summary>
    public static int State { get; set; }

    /// <summary>What the collectives return.</summary>
    public static int Result { get; set; }

    /// <summary>What cuEventQuery returns: 0 over, 600 not ready.</summary>
    public static int Event { get; set; }

    /// <summary>The calls since the last look, a line each.</summary>
    public static string[] Calls()
    {
        string[] calls = [.. Lines];
        Lines.Clear();
        return calls;
    }

    public static void Reset()
    {
        (Version, State, Result, Event) = (22703, 0, 0, 0);
        Lines.Clear();
    }

    /// <summary>The library, without the functions that are <paramref name="missing"/>.</summary>
    public static NcclLibrary Library(params string[] missing) => new("fake", name => missing.Contains(name) ? 0 : name switch
    {
        "ncclGetVersion" => (nint)(delegate* unmanaged<int*, int>)&GetVersion,
        "ncclGetUniqueId" => (nint)(delegate* unmanaged<UniqueId*, int>)&GetUniqueId,
        "ncclCommInitRankConfig" => (nint)(delegate* unmanaged<nint*, int, UniqueId, int, Config*, int>)&CommInitRankConfig,
        "ncclCommSplit" => (nint)(delegate* unmanaged<nint, int, int, nint*, Config*, int>)&CommSplit,
        "ncclCommFinalize" => (nint)(delegate* unmanaged<nint, int>)&CommFinalize,
        "ncclCommDestroy" => (nint)(delegate* unmanaged<nint, int>)&CommDestroy,
        "ncclCommAbort" => (nint)(delegate* unmanaged<nint, int>)&CommAbort,
        "ncclCommGetAsyncError" => (nint)(delegate* unmanaged<nint, int*, int>)&CommGetAsyncError,
        "ncclGetErrorString" => (nint)(delegate* unmanaged<int, nint>)&GetErrorString,
        "ncclGetLastError" => (nint)(delegate* unmanaged<nint, nint>)&GetLastError,
        "ncclGroupStart" => (nint)(delegate* unmanaged<int>)&GroupStart,
        "ncclGroupEnd" => (nint)(delegate* unmanaged<int>)&GroupEnd,
        "ncclAllReduce" => (nint)(delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)&AllReduce,
        "ncclReduce" => (nint)(delegate* unmanaged<void*, void*, nuint, int, int, int, nint, nint, int>)&Reduce,
        "ncclReduceScatter" => (nint)(delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)&ReduceScatter,
        "ncclAllGather" => (nint)(delegate* unmanaged<void*, void*, nuint, int, nint, nint, int>)&AllGather,
        "ncclBroadcast" => (nint)(delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)&Broadcast,
        "ncclSend" => (nint)(delegate* unmanaged<void*, nuint, int, int, nint, nint, int>)&Send,
        "ncclRecv" => (nint)(delegate* unmanaged<void*, nuint, int, int, nint, nint, int>)&Recv,
        _ => 0,
    });

    public static CudaDriver Driver() => new(name => name switch
    {
        "cuInit" => (nint)(delegate* unmanaged<uint, int>)&Init,
        "cuGetErrorString" => (nint)(delegate* unmanaged<int, nint*, int>)&CudaErrorString,
        "cuDevicePrimaryCtxRetain" => (nint)(delegate* unmanaged<nint*, int, int>)&PrimaryCtxRetain,
        "cuCtxSetCurrent" => (nint)(delegate* unmanaged<nint, int>)&CtxSetCurrent,
        "cuStreamCreate" => (nint)(delegate* unmanaged<nint*, uint, int>)&StreamCreate,
        "cuStreamDestroy_v2" => (nint)(delegate* unmanaged<nint, int>)&StreamDestroy,
        "cuStreamWaitEvent" => (nint)(delegate* unmanaged<nint, nint, uint, int>)&StreamWaitEvent,
        "cuEventCreate" => (nint)(delegate* unmanaged<nint*, uint, int>)&EventCreate,
        "cuEventRecord" => (nint)(delegate* unmanaged<nint, nint, int>)&EventRecord,
        "cuEventQuery" => (nint)(delegate* unmanaged<nint, int>)&EventQuery,
        "cuEventDestroy_v2" => (nint)(delegate* unmanaged<nint, int>)&EventDestroy,
        _ => 0,
    });

    static int Note(FormattableString line)
    {
        Lines.Add(line.ToString(CultureInfo.InvariantCulture));
        return Result;
    }

    [UnmanagedCallersOnly]
    static int GetVersion(int* version)
    {
        *version = Version;
        return 0;
    }

    [UnmanagedCallersOnly]
    static int GetUniqueId(UniqueId* id)
    {
        for (var i = 0; i < 128; i++) id->Bytes[i] = (byte)(i + 1);
        return 0;
    }

    [UnmanagedCallersOnly]
    static int CommInitRankConfig(nint* communicator, int size, UniqueId id, int rank, Config* config)
    {
        var sum = 0;
        for (var i = 0; i < 128; i++) sum += id.Bytes[i] * (i + 1);
        *communicator = 0xC0;
        Note($"init {rank} of {size}, id {sum}, config {config->Size} {config->Magic:x} {config->Version} {config->Blocking} {config->CgaClusterSize}");
        return 7;
    }

    [UnmanagedCallersOnly]
    static int CommSplit(nint communicator, int colour, int key, nint* part, Config* config)
    {
        *part = 0xC1;
        Note($"split {communicator:x} colour {colour} key {key} blocking {config->Blocking}");
        return 7;
    }

    [UnmanagedCallersOnly]
    static int CommFinalize(nint communicator) => Note($"finalize {communicator:x}");

    [UnmanagedCallersOnly]
    static int CommDestroy(nint communicator) => Note($"destroy {communicator:x}");

    [UnmanagedCallersOnly]
    static int CommAbort(nint communicator) => Note($"abort {communicator:x}");

    [UnmanagedCallersOnly]
    static int CommGetAsyncError(nint communicator, int* state)
    {
        *state = State;
        return 0;
    }

    [UnmanagedCallersOnly]
    static nint GetErrorString(int result) => Text;

    [UnmanagedCallersOnly]
    static nint GetLastError(nint communicator) => 0;

    [UnmanagedCallersOnly]
    static int GroupStart() => Note($"(");

    [UnmanagedCallersOnly]
    static int GroupEnd() => Note($")");

    [UnmanagedCallersOnly]
    static int AllReduce(void* input, void* output, nuint count, int type, int op, nint communicator, nint stream) =>
        Note($"all-reduce {(nint)input:x} {(nint)output:x} {count} type {type} op {op} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int Reduce(void* input, void* output, nuint count, int type, int op, int root, nint communicator, nint stream) =>
        Note($"reduce {(nint)input:x} {(nint)output:x} {count} type {type} op {op} root {root} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int ReduceScatter(void* input, void* output, nuint count, int type, int op, nint communicator, nint stream) =>
        Note($"reduce-scatter {(nint)input:x} {(nint)output:x} {count} type {type} op {op} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int AllGather(void* input, void* output, nuint count, int type, nint communicator, nint stream) =>
        Note($"all-gather {(nint)input:x} {(nint)output:x} {count} type {type} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int Broadcast(void* input, void* output, nuint count, int type, int root, nint communicator, nint stream) =>
        Note($"broadcast {(nint)input:x} {(nint)output:x} {count} type {type} root {root} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int Send(void* buffer, nuint count, int type, int peer, nint communicator, nint stream) => Note($"send {(nint)buffer:x} {count} type {type} to {peer} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int Recv(void* buffer, nuint count, int type, int peer, nint communicator, nint stream) => Note($"receive {(nint)buffer:x} {count} type {type} from {peer} on {communicator:x} {stream:x}");

    [UnmanagedCallersOnly]
    static int Init(uint flags) => 0;

    [UnmanagedCallersOnly]
    static int CudaErrorString(int code, nint* text)
    {
        *text = Text;
        return 0;
    }

    [UnmanagedCallersOnly]
    static int PrimaryCtxRetain(nint* context, int device)
    {
        *context = 0xD0 + device;
        return 0;
    }

    [UnmanagedCallersOnly]
    static int CtxSetCurrent(nint context) => 0;

    [UnmanagedCallersOnly]
    static int StreamCreate(nint* stream, uint flags)
    {
        *stream = 0x5;
        return flags == 1 ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    static int StreamDestroy(nint stream) => 0;

    [UnmanagedCallersOnly]
    static int StreamWaitEvent(nint stream, nint made, uint flags)
    {
        Note($"{stream:x} waits");
        return (int)flags;
    }

    [UnmanagedCallersOnly]
    static int EventCreate(nint* made, uint flags)
    {
        *made = 0xE;
        return flags == 2 ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    static int EventRecord(nint made, nint stream)
    {
        Note($"{stream:x} records");
        return 0;
    }

    [UnmanagedCallersOnly]
    static int EventQuery(nint made) => Event;

    [UnmanagedCallersOnly]
    static int EventDestroy(nint made) => 0;

    public struct UniqueId
    {
        public fixed byte Bytes[128];
    }

#pragma warning disable CS0649 // Written by the transport, through a pointer.
    public struct Config
    {
        public nuint Size;
        public uint Magic;
        public uint Version;
        public int Blocking;
        public int CgaClusterSize;
    }
#pragma warning restore CS0649
}
