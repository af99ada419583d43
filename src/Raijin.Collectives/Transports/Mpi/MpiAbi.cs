using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// What differs between MPI libraries: the values of handles and constants. Open MPI's handles are addresses of objects it exports; MPICH's (and its kin's: Intel MPI, MVAPICH, Cray) are numbers of
/// 32 bits, fixed by their common ABI. Both are passed as a word: what a callee takes as 32 bits it reads from the lower half of the register.
/// </summary>
sealed record MpiAbi
{
    /// <summary>What the library is called in messages.</summary>
    public required string Name { get; init; }

    public required nint CommWorld { get; init; }

    public required nint ErrorsReturn { get; init; }

    public required nint InfoNull { get; init; }

    /// <summary>Types of 1, 2, 4 and 8 bytes: only moved, never reduced by MPI.</summary>
    public required (nint One, nint Two, nint Four, nint Eight) Words { get; init; }

    public required nint InPlace { get; init; }

    public required nint StatusIgnore { get; init; }

    public required int AnySource { get; init; }

    public required int CommTypeShared { get; init; }

    /// <summary>Where in a status the source stands.</summary>
    public required int StatusSource { get; init; }

    /// <summary>The type that moves elements of <paramref name="dtype"/>.</summary>
    public nint Word(ScalarType dtype) => ElementBytes(dtype) switch { 1 => Words.One, 2 => Words.Two, 4 => Words.Four, _ => Words.Eight };

    public static int ElementBytes(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };

    /// <summary>The ABI that <paramref name="library"/> has; null when it is neither.</summary>
    public static MpiAbi? Of(nint library)
    {
        if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
            return new MpiAbi
            {
                Name = "Open MPI",
                CommWorld = world,
                ErrorsReturn = NativeLibrary.GetExport(library, "ompi_mpi_errors_return"),
                InfoNull = NativeLibrary.GetExport(library, "ompi_mpi_info_null"),
                Words = (Type("byte"), Type("short"), Type("int"), Type("long_long_int")),
                InPlace = 1,
                StatusIgnore = 0,
                AnySource = -1,
                CommTypeShared = 0,
                StatusSource = 0,
            };
        // MPICH exports no handles; this function is part of its common ABI, and of no other's.
        if (!NativeLibrary.TryGetExport(library, "MPIR_Dup_fn", out _)) return null;
        return new MpiAbi
        {
            Name = "MPICH",
            CommWorld = 0x44000000,
            ErrorsReturn = 0x54000001,
            InfoNull = 0x1c000000,
            Words = (0x4c00010d, 0x4c000203, 0x4c000405, 0x4c000809),
            InPlace = -1,
            StatusIgnore = 1,
            AnySource = -2,
            CommTypeShared = 1,
            StatusSource = 8,
        };

        nint Type(string name) => NativeLibrary.GetExport(library, $"ompi_mpi_{name}");
    }
}
