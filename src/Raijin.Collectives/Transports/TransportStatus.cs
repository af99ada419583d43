using System.Globalization;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>Whether this host has what a transport needs.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="IsUsable">Whether it has.</param>
/// <param name="Description">With what, or what is missing.</param>
/// <param name="Remedy">What to do; null where there is nothing to do.</param>
public sealed record TransportStatus(TransportKind Kind, bool IsUsable, string Description, string? Remedy = null)
{
    /// <summary>All transports. Loads the libraries of those that need one, and starts nothing.</summary>
    public static IReadOnlyList<TransportStatus> OfHost() =>
    [
        new(TransportKind.InProcess, true, "ranks as threads"),
        OfSharedMemory(),
        OfLibrary(TransportKind.Mpi, () => $"{MpiLibrary.Default.Version} ({MpiLibrary.Default.File})"),
        OfLibrary(TransportKind.Nccl, () => string.Create(CultureInfo.InvariantCulture, $"NCCL {NcclLibrary.Default.Version / 10_000}.{NcclLibrary.Default.Version / 100 % 100}.{NcclLibrary.Default.Version % 100}")),
    ];

    static TransportStatus OfSharedMemory()
    {
        const TransportKind kind = TransportKind.SharedMemory;
        if (!ChildProcess.IsSupported) return new(kind, false, "not on this system", "Ranks as processes run on Linux and macOS; train with ranks as threads here.");
        var folder = new SharedMemoryOptions().Folder;
        if (!Directory.Exists(folder)) return new(kind, false, $"{folder} does not exist", $"Mount a memory file system there: docker run --tmpfs {folder}, or mount -t tmpfs tmpfs {folder}.");
        var probe = Path.Combine(folder, $"raijin-{Guid.NewGuid():N}");
        try
        {
            using (File.Create(probe, 1, FileOptions.DeleteOnClose)) return new(kind, true, $"ranks as processes of this host, which meet in {folder}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(kind, false, $"{folder} can't be written: {error.Message}", "Give this user the right to write there: ranks of one host meet in it.");
        }
    }

    static TransportStatus OfLibrary(TransportKind kind, Func<string> describe)
    {
        try
        {
            return new(kind, true, describe());
        }
        catch (TransportUnavailableException error)
        {
            return new(kind, false, error.Message[..^(error.Remedy.Length + 1)], error.Remedy);
        }
    }
}
