using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>Hints about memory to the operating system. Off Linux, and where a hint is refused, nothing happens: they change times, not results.</summary>
static partial class MemoryAdvice
{
    const int WillNeed = 3;
    const int HugePage = 14;
    const int SyncFileRangeWrite = 2;

    /// <summary>Starts reading the pages of a mapping from the disk, ahead of their use.</summary>
    public static void WillRead(nint address, long bytes) => Advise(address, bytes, WillNeed);

    /// <summary>Asks for 2 MB pages: a buffer of 400 MB is then 200 page faults and not 100,000.</summary>
    public static void WantHugePages(nint address, long bytes) => Advise(address, bytes, HugePage);

    /// <summary>Starts writing a range of a file to the disk, without waiting: the final fsync finds little left to do.</summary>
    public static void StartWriteback(SafeHandle file, long offset, long bytes)
    {
        if (OperatingSystem.IsLinux()) _ = SyncFileRange(file, offset, bytes, SyncFileRangeWrite);
    }

    static void Advise(nint address, long bytes, int advice)
    {
        if (!OperatingSystem.IsLinux()) return;
        var start = address / Environment.SystemPageSize * Environment.SystemPageSize;
        _ = Advise(start, (nuint)(address - start + bytes), advice);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeHandle file, long offset, long bytes, uint flags);
}
