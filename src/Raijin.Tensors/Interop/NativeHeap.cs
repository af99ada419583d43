using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>The C library's heap, where libtorch's CPU tensors live and which the garbage collector does not see.</summary>
public static unsafe class NativeHeap
{
    const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3, MmapMax = -4;
    const int LargeBytes = 1 << 20;
    const int KeptBytes = 256 << 20;

    // Looked up without NativeExports, which loads libtorch first: the heap is tuned while it loads.
    static readonly delegate* unmanaged[Cdecl]<MallInfo> MallInfo2 = (delegate* unmanaged[Cdecl]<MallInfo>)Find("mallinfo2");
    static readonly delegate* unmanaged[Cdecl]<int, int, int> MallOpt = (delegate* unmanaged[Cdecl]<int, int, int>)Find("mallopt");

    /// <summary>Bytes allocated and not freed, over all arenas; null where the C library does not tell (anything but glibc 2.33 or newer).</summary>
    public static long? LiveBytes
    {
        get
        {
            if (MallInfo2 == null) return null;
            var info = MallInfo2();
            return (long)(info.InUse + info.Mapped);
        }
    }

    /// <summary>
    /// Makes glibc keep freed memory instead of returning it, for the rest of the process. A training step frees and allocates the same big blocks
    /// again and again; by default each goes back to the kernel and is faulted in anew, page by page. Nine of ten page faults of a step go away,
    /// against a tenth more resident memory; the time they take differs by machine, from nothing measurable to a twentieth of the step. Hence
    /// off unless <c>RAIJIN_KEEP_FREED_MEMORY=1</c> is set or this is called, best before the first tensor is made.
    /// </summary>
    /// <remarks>Threads other than the first allocate from arenas of 64 MiB; blocks that do not fit into one still come and go.</remarks>
    /// <returns>False where the C library is not glibc; nothing changed then.</returns>
    public static bool KeepFreedMemory()
    {
        if (MallOpt == null) return false;
        // mallopt answers 1 for success. A threshold of -1 is "never".
        return (MallOpt(MmapMax, 0) & MallOpt(TrimThreshold, -1) & MallOpt(TopPad, KeptBytes)) == 1;
    }

    /// <summary>
    /// Makes glibc give each freed block of a megabyte or more back to the kernel at once, for the rest of the process. By default it raises its threshold with the blocks it sees, and gathered parameters that come and
    /// go then leave holes that nothing fits: in stage 3 a third more resident memory than is held. Each such block is faulted in anew, page by page. Nothing changes where <c>RAIJIN_KEEP_FREED_MEMORY=1</c> asks for the opposite.
    /// </summary>
    /// <returns>False where the C library is not glibc, or freed memory is to be kept.</returns>
    public static bool ReturnLargeBlocks() => MallOpt != null && !RaijinEnvironment.KeepFreedMemory && MallOpt(MmapThreshold, LargeBytes) == 1;

    static nint Find(string symbol) =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var c) && NativeLibrary.TryGetExport(c, symbol, out var address) ? address : 0;

    // struct mallinfo2 of malloc.h.
    [StructLayout(LayoutKind.Sequential)]
    struct MallInfo
    {
        public nuint Arena, FreeChunks, FastBins, MappedChunks, Mapped, Unused, FastBinBytes, InUse, Free, Releasable;
    }
}
