using System.Runtime.InteropServices;
using System.Text;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>
/// The functions of an MPI library that are called, by pointer. Handles are words (see <see cref="MpiAbi"/>); each function returns zero for success, which <see cref="Check"/> turns into an exception otherwise.
/// </summary>
sealed unsafe class MpiLibrary
{
    // Open MPI 4 and 5; then the ABI that MPICH, Intel MPI, MVAPICH and Cray share, under its names; then what a development package calls the chosen one.
    static readonly string[] Files = OperatingSystem.IsMacOS()
        ? ["libmpi.40.dylib", "libmpi.12.dylib", "libmpi.dylib"]
        : ["libmpi.so.40", "libmpi.so.12", "libmpich.so.12", "libmpi.so"];

    static readonly Lazy<MpiLibrary> Loaded = new(() => Load(RaijinEnvironment.MpiLibrary));

    readonly nint _library;

    MpiLibrary(nint library, string file, MpiAbi abi)
    {
        (_library, File, Abi) = (library, file, abi);
        Initialized = (delegate* unmanaged<int*, int>)Export("MPI_Initialized");
        Finalized = (delegate* unmanaged<int*, int>)Export("MPI_Finalized");
        InitThread = (delegate* unmanaged<nint, nint, int, int*, int>)Export("MPI_Init_thread");
        FinalizeAll = (delegate* unmanaged<int>)Export("MPI_Finalize");
        AbortAll = (delegate* unmanaged<nint, int, int>)Export("MPI_Abort");
        CommRank = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank");
        CommSize = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size");
        CommDup = (delegate* unmanaged<nint, nint*, int>)Export("MPI_Comm_dup");
        CommSplit = (delegate* unmanaged<nint, int, int, nint*, int>)Export("MPI_Comm_split");
        CommSplitType = (delegate* unmanaged<nint, int, int, nint, nint*, int>)Export("MPI_Comm_split_type");
        CommFree = (delegate* unmanaged<nint*, int>)Export("MPI_Comm_free");
        CommSetErrhandler = (delegate* unmanaged<nint, nint, int>)Export("MPI_Comm_set_errhandler");
        ErrorString = (delegate* unmanaged<int, byte*, int*, int>)Export("MPI_Error_string");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Export("MPI_Test");
        Iprobe = (delegate* unmanaged<int, int, nint, int*, byte*, int>)Export("MPI_Iprobe");
        GetCount = (delegate* unmanaged<byte*, nint, int*, int>)Export("MPI_Get_count");
        Receive = (delegate* unmanaged<byte*, int, nint, int, int, nint, nint, int>)Export("MPI_Recv");
        Isend = (delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int>)Export("MPI_Isend");
        Ireceive = (delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int>)Export("MPI_Irecv");
        Ibarrier = (delegate* unmanaged<nint, nint*, int>)Export("MPI_Ibarrier");
        Ibroadcast = (delegate* unmanaged<nint, int, nint, int, nint, nint*, int>)Export("MPI_Ibcast");
        Iallgather = (delegate* unmanaged<nint, int, nint, nint, int, nint, nint, nint*, int>)Export("MPI_Iallgather");
        Iallgatherv = (delegate* unmanaged<nint, int, nint, nint, int*, int*, nint, nint, nint*, int>)Export("MPI_Iallgatherv");
        Igatherv = (delegate* unmanaged<nint, int, nint, nint, int*, int*, nint, int, nint, nint*, int>)Export("MPI_Igatherv");
        Iscatterv = (delegate* unmanaged<nint, int*, int*, nint, nint, int, nint, int, nint, nint*, int>)Export("MPI_Iscatterv");
        Ialltoallv = (delegate* unmanaged<nint, int*, int*, nint, nint, int*, int*, nint, nint, nint*, int>)Export("MPI_Ialltoallv");
    }

    /// <summary>The library this process uses.</summary>
    /// <exception cref="TransportUnavailableException">There is none, or none of a kind that is known.</exception>
    public static MpiLibrary Default => Loaded.Value;

    /// <summary>What was loaded.</summary>
    public string File { get; }

    public MpiAbi Abi { get; }

    /// <summary>What it says of itself, in a line; known before it is initialized.</summary>
    public string Version
    {
        get
        {
            var get = (delegate* unmanaged<byte*, int*, int>)Export("MPI_Get_library_version");
            // As long as any library's: MPICH's lists how it was built.
            var text = new byte[8192];
            int length;
            fixed (byte* bytes = text) Check(get(bytes, &length), "MPI_Get_library_version");
            var said = Encoding.UTF8.GetString(text, 0, Math.Clamp(length, 0, text.Length)).TrimEnd('\0');
            return said.Split('\n')[0].Split(", package")[0].Trim();
        }
    }

    public readonly delegate* unmanaged<int*, int> Initialized;

    public readonly delegate* unmanaged<int*, int> Finalized;

    /// <summary>(argc, argv, required level, out provided level).</summary>
    public readonly delegate* unmanaged<nint, nint, int, int*, int> InitThread;

    public readonly delegate* unmanaged<int> FinalizeAll;

    public readonly delegate* unmanaged<nint, int, int> AbortAll;

    public readonly delegate* unmanaged<nint, int*, int> CommRank;

    public readonly delegate* unmanaged<nint, int*, int> CommSize;

    public readonly delegate* unmanaged<nint, nint*, int> CommDup;

    /// <summary>(communicator, colour, key, out communicator).</summary>
    public readonly delegate* unmanaged<nint, int, int, nint*, int> CommSplit;

    /// <summary>(communicator, type, key, info, out communicator).</summary>
    public readonly delegate* unmanaged<nint, int, int, nint, nint*, int> CommSplitType;

    public readonly delegate* unmanaged<nint*, int> CommFree;

    public readonly delegate* unmanaged<nint, nint, int> CommSetErrhandler;

    /// <summary>(code, text, out length).</summary>
    public readonly delegate* unmanaged<int, byte*, int*, int> ErrorString;

    /// <summary>(request, out flag, status).</summary>
    public readonly delegate* unmanaged<nint*, int*, nint, int> Test;

    /// <summary>(source, tag, communicator, out flag, out status).</summary>
    public readonly delegate* unmanaged<int, int, nint, int*, byte*, int> Iprobe;

    /// <summary>(status, type, out count).</summary>
    public readonly delegate* unmanaged<byte*, nint, int*, int> GetCount;

    /// <summary>(buffer, count, type, source, tag, communicator, status).</summary>
    public readonly delegate* unmanaged<byte*, int, nint, int, int, nint, nint, int> Receive;

    /// <summary>(buffer, count, type, destination, tag, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int> Isend;

    /// <summary>(buffer, count, type, source, tag, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int> Ireceive;

    public readonly delegate* unmanaged<nint, nint*, int> Ibarrier;

    /// <summary>(buffer, count, type, root, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int, nint, int, nint, nint*, int> Ibroadcast;

    /// <summary>(input, count, type, output, count a rank, type, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int, nint, nint, int, nint, nint, nint*, int> Iallgather;

    /// <summary>(input, count, type, output, counts, offsets, type, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int, nint, nint, int*, int*, nint, nint, nint*, int> Iallgatherv;

    /// <summary>(input, count, type, output, counts, offsets, type, root, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int, nint, nint, int*, int*, nint, int, nint, nint*, int> Igatherv;

    /// <summary>(input, counts, offsets, type, output, count, type, root, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int*, int*, nint, nint, int, nint, int, nint, nint*, int> Iscatterv;

    /// <summary>(input, counts, offsets, type, output, counts, offsets, type, communicator, out request).</summary>
    public readonly delegate* unmanaged<nint, int*, int*, nint, nint, int*, int*, nint, nint, nint*, int> Ialltoallv;

    /// <summary>Loads <paramref name="file"/>, or where it is null the first there is of the usual ones.</summary>
    internal static MpiLibrary Load(string? file)
    {
        string[] files = file is null ? Files : [file];
        foreach (var candidate in files)
        {
            if (!NativeLibrary.TryLoad(candidate, out var library)) continue;
            if (MpiAbi.Of(library) is { } abi) return new MpiLibrary(library, candidate, abi);
            throw new TransportUnavailableException(TransportKind.Mpi, $"{candidate} is neither an Open MPI nor an MPICH: its handles are of an unknown kind.", "Set RAIJIN_MPI to the file of one that is.");
        }
        throw new TransportUnavailableException(TransportKind.Mpi,
            $"No MPI library is installed: none of {string.Join(", ", files)} can be loaded.",
            OperatingSystem.IsMacOS() ? "Install Open MPI (brew install open-mpi)." : "Install Open MPI (apt-get install openmpi-bin libopenmpi-dev; dnf install openmpi), or set RAIJIN_MPI to the library's file.");
    }

    /// <summary>Throws when <paramref name="code"/> is a failure, in the library's own words.</summary>
    public void Check(int code, string call)
    {
        if (code != 0) throw new CollectiveException($"{call} failed: {Describe(code)} ({Abi.Name}, {File})");
    }

    string Describe(int code)
    {
        var text = stackalloc byte[1024];
        var length = 0;
        return ErrorString(code, text, &length) == 0 ? Encoding.UTF8.GetString(text, length) : $"error {code}";
    }

    nint Export(string function) => NativeLibrary.TryGetExport(_library, function, out var address)
        ? address
        : throw new TransportUnavailableException(TransportKind.Mpi, $"{File} has no {function}: it is older than MPI 3.", "Install Open MPI 4 or later, or MPICH 3.2 or later.");
}
