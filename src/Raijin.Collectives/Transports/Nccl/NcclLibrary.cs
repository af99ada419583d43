using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>What names a communicator before it exists: made by one rank, given to all.</summary>
[InlineArray(Bytes)]
struct NcclUniqueId
{
    public const int Bytes = 128;

    byte _first;
}

/// <summary>The beginning of <c>ncclConfig_t</c>, as it was in 2.14: NCCL reads as much as <see cref="Size"/> says and fills in the rest by <see cref="Version"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
struct NcclConfig
{
    const int Undefined = int.MinValue;

    public nuint Size;
    public uint Magic;
    public uint Version;
    public int Blocking;
    public int CgaClusterSize;

    /// <summary>No call waits for another rank: it says that it is in progress.</summary>
    public static unsafe NcclConfig Nonblocking => new() { Size = (nuint)sizeof(NcclConfig), Magic = 0xcafebeef, Version = 21400, Blocking = 0, CgaClusterSize = Undefined };
}

/// <summary>NCCL's results that are looked at.</summary>
static class NcclResult
{
    public const int Success = 0;
    public const int InProgress = 7;
}

/// <summary>The functions of NCCL that are called, by pointer.</summary>
sealed unsafe class NcclLibrary
{
    /// <summary>2.18.0: the first that divides communicators.</summary>
    public const int OldestVersion = 21800;

    static readonly string[] Files = ["libnccl.so.2", "libnccl.so"];

    static readonly Lazy<NcclLibrary> Loaded = new(() => Load(RaijinEnvironment.NcclLibrary));

    readonly Func<string, nint> _export;

    /// <param name="file">What it is called in messages.</param>
    /// <param name="export">The address of a function; 0 for none.</param>
    internal NcclLibrary(string file, Func<string, nint> export)
    {
        (File, _export) = (file, export);
        GetVersion = (delegate* unmanaged<int*, int>)Export("ncclGetVersion");
        int version;
        if (GetVersion(&version) != 0 || version < OldestVersion)
            throw new TransportUnavailableException(TransportKind.Nccl, $"NCCL is too old: {file} is version {Text(version)}, but {Text(OldestVersion)} is the oldest that divides communicators.", "Install a newer one, or set RAIJIN_NCCL to its file.");
        Version = version;
        GetUniqueId = (delegate* unmanaged<NcclUniqueId*, int>)Export("ncclGetUniqueId");
        CommInitRankConfig = (delegate* unmanaged<nint*, int, NcclUniqueId, int, NcclConfig*, int>)Export("ncclCommInitRankConfig");
        CommSplit = (delegate* unmanaged<nint, int, int, nint*, NcclConfig*, int>)Export("ncclCommSplit");
        CommFinalize = (delegate* unmanaged<nint, int>)Export("ncclCommFinalize");
        CommDestroy = (delegate* unmanaged<nint, int>)Export("ncclCommDestroy");
        CommAbort = (delegate* unmanaged<nint, int>)Export("ncclCommAbort");
        CommGetAsyncError = (delegate* unmanaged<nint, int*, int>)Export("ncclCommGetAsyncError");
        GetErrorString = (delegate* unmanaged<int, byte*>)Export("ncclGetErrorString");
        GetLastError = (delegate* unmanaged<nint, byte*>)Export("ncclGetLastError");
        GroupStart = (delegate* unmanaged<int>)Export("ncclGroupStart");
        GroupEnd = (delegate* unmanaged<int>)Export("ncclGroupEnd");
        AllReduce = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclAllReduce");
        Reduce = (delegate* unmanaged<nint, nint, nuint, int, int, int, nint, nint, int>)Export("ncclReduce");
        ReduceScatter = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclReduceScatter");
        AllGather = (delegate* unmanaged<nint, nint, nuint, int, nint, nint, int>)Export("ncclAllGather");
        Broadcast = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclBroadcast");
        Send = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Export("ncclSend");
        Receive = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Export("ncclRecv");
    }

    /// <summary>The library this process uses.</summary>
    /// <exception cref="TransportUnavailableException">There is none, or an old one.</exception>
    public static NcclLibrary Default => Loaded.Value;

    public string File { get; }

    /// <summary>Major × 10,000 + minor × 100 + patch.</summary>
    public int Version { get; }

    public readonly delegate* unmanaged<int*, int> GetVersion;

    public readonly delegate* unmanaged<NcclUniqueId*, int> GetUniqueId;

    /// <summary>(out communicator, size, id, rank, configuration).</summary>
    public readonly delegate* unmanaged<nint*, int, NcclUniqueId, int, NcclConfig*, int> CommInitRankConfig;

    /// <summary>(communicator, colour, key, out communicator, configuration).</summary>
    public readonly delegate* unmanaged<nint, int, int, nint*, NcclConfig*, int> CommSplit;

    public readonly delegate* unmanaged<nint, int> CommFinalize;

    public readonly delegate* unmanaged<nint, int> CommDestroy;

    public readonly delegate* unmanaged<nint, int> CommAbort;

    /// <summary>(communicator, out result).</summary>
    public readonly delegate* unmanaged<nint, int*, int> CommGetAsyncError;

    public readonly delegate* unmanaged<int, byte*> GetErrorString;

    public readonly delegate* unmanaged<nint, byte*> GetLastError;

    public readonly delegate* unmanaged<int> GroupStart;

    public readonly delegate* unmanaged<int> GroupEnd;

    /// <summary>(input, output, count, type, operation, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> AllReduce;

    /// <summary>(input, output, count, type, operation, root, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, int, nint, nint, int> Reduce;

    /// <summary>(input, output, count a rank, type, operation, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> ReduceScatter;

    /// <summary>(input, output, count a rank, type, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, nint, nint, int> AllGather;

    /// <summary>(input, output, count, type, root, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> Broadcast;

    /// <summary>(buffer, count, type, peer, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> Send;

    /// <summary>(buffer, count, type, peer, communicator, stream).</summary>
    public readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> Receive;

    /// <summary>Loads <paramref name="file"/>, or where it is null the first there is of the usual ones.</summary>
    internal static NcclLibrary Load(string? file)
    {
        string[] files = file is null ? Files : [file];
        foreach (var candidate in files)
            if (NativeLibrary.TryLoad(candidate, out var library))
                return new NcclLibrary(candidate, function => NativeLibrary.TryGetExport(library, function, out var address) ? address : 0);
        throw new TransportUnavailableException(TransportKind.Nccl, $"NCCL is not present: none of {string.Join(", ", files)} can be loaded.",
            "Install NVIDIA's libnccl2, or set RAIJIN_NCCL to the file, such as that of a Python installation (nvidia/nccl/lib/libnccl.so.2).");
    }

    /// <summary>NCCL's number of a type; what it does not know moves as bytes.</summary>
    /// <returns>The type, and how many of its elements are one of <paramref name="dtype"/>.</returns>
    public static (int Type, int Times) TypeOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Int8 => (0, 1),
        ScalarType.Byte or ScalarType.Bool => (1, 1),
        ScalarType.Int32 => (2, 1),
        ScalarType.Int64 => (4, 1),
        ScalarType.Float16 => (6, 1),
        ScalarType.Float32 => (7, 1),
        ScalarType.Float64 => (8, 1),
        ScalarType.BFloat16 => (9, 1),
        _ => (1, MpiAbi.ElementBytes(dtype)),
    };

    /// <summary>NCCL's number of an operation. A sum of truths is true when any is, a product when all are.</summary>
    public static int OperationOf(ReduceOp op, ScalarType dtype) => (op, dtype) switch
    {
        (ReduceOp.Sum, not ScalarType.Bool) => 0,
        (ReduceOp.Product, not ScalarType.Bool) => 1,
        (ReduceOp.Max, _) or (ReduceOp.Sum, _) => 2,
        (ReduceOp.Min, _) or (ReduceOp.Product, _) => 3,
        _ => 4,
    };

    /// <summary>Throws when <paramref name="result"/> is a failure, in the library's own words. In progress is none.</summary>
    public void Check(int result, string call, nint communicator = 0)
    {
        if (result is NcclResult.Success or NcclResult.InProgress) return;
        var last = Marshal.PtrToStringUTF8((nint)GetLastError(communicator));
        throw new CollectiveException($"{call} failed: {Marshal.PtrToStringUTF8((nint)GetErrorString(result))}{(string.IsNullOrEmpty(last) ? "" : $": {last}")} (NCCL {Text(Version)}, {File})");
    }

    static string Text(int version) => $"{version / 10_000}.{version / 100 % 100}.{version % 100}";

    nint Export(string function) => _export(function) is var address and not 0
        ? address
        : throw new TransportUnavailableException(TransportKind.Nccl, $"{File} has no {function}: it is no NCCL, or one older than {Text(OldestVersion)}.", "Install a newer one, or set RAIJIN_NCCL to its file.");
}
