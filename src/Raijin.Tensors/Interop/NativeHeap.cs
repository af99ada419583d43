using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>The C library's heap, where libtorch's CPU tensors live and which the garbage collector does not see.</summary>
public static unsafe class NativeHeap
{
    const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3, MmapMax = -4;
    const int KeptBytes = 256 << 20;
    const int DefaultTrimThreshold = 128 << 10;

    /// <summary>Blocks up to so many bytes are used again after <see cref="ReuseLargeBlocks"/>: what mallopt(3) allows at most for blocks that are mapped one by one.</summary>
    public const int LargestReused = 32 << 20;

    /// <summary>Blocks from so many bytes on go back to the kernel after <see cref="ReturnLargeBlocks"/>.</summary>
    public const int LeastReturned = 1 << 20;

    static bool _keepsAll;

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

    /// <summary>Bytes in blocks that were mapped one by one, and go back to the kernel when they are freed; null as <see cref="LiveBytes"/>.</summary>
    internal static long? MappedBytes => MallInfo2 == null ? null : (long)MallInfo2().Mapped;

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
        return _keepsAll = (MallOpt(MmapMax, 0) & MallOpt(TrimThreshold, -1) & MallOpt(TopPad, KeptBytes)) == 1;
    }

    /// <summary>
    /// Makes glibc use freed blocks of up to 32 MiB again, and return memory only above half a gigabyte of it, for the rest of the process. By default it learns with the blocks it sees what is worth keeping: the same step of a
    /// model of some megabytes a layer faults its gradients and activations in anew, or not, by the order in which the first ones came and went, and takes up to a half longer. Training on CPUs calls it where no rank divides gradients.
    /// </summary>
    /// <returns>False where nothing changed: the C library is not glibc, it keeps all (<see cref="KeepFreedMemory"/>), or the environment says how it works (<see cref="RaijinEnvironment.SaysHowMallocWorks"/>).</returns>
    public static bool ReuseLargeBlocks() => SetThresholds(LargestReused, 512 << 20);

    /// <summary>
    /// Makes glibc give each freed block of a megabyte or more back to the kernel at once, for the rest of the process. Gathered parameters that come and go would leave holes that nothing fits: in stage 3 a third more
    /// resident memory than is held. Each such block is faulted in anew, page by page. Training on CPUs calls it where ranks divide gradients.
    /// </summary>
    /// <returns>As <see cref="ReuseLargeBlocks"/>.</returns>
    public static bool ReturnLargeBlocks() => SetThresholds(LeastReturned, DefaultTrimThreshold);

    static bool SetThresholds(int mmap, int trim) =>
        MallOpt != null && !_keepsAll && !RaijinEnvironment.SaysHowMallocWorks && (MallOpt(MmapThreshold, mmap) & MallOpt(TrimThreshold, trim)) == 1;

    static nint Find(string symbol) =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var c) && NativeLibrary.TryGetExport(c, symbol, out var address) ? address : 0;

    // struct mallinfo2 of malloc.h.
    [StructLayout(LayoutKind.Sequential)]
    struct MallInfo
    {
        public nuint Arena, FreeChunks, FastBins, MappedChunks, Mapped, Unused, FastBinBytes, InUse, Free, Releasable;
    }
}
