using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>Asks Linux for 2 MB pages: with 4 KB ones, streaming through several arrays at once misses the address cache at every page.</summary>
public static unsafe partial class HugePages
{
    const nint PageBytes = 2 << 20;
    const int AdviseHugePage = 14;

    /// <summary>Advises the whole 2 MB pages inside a host tensor that has not been written yet. Without effect elsewhere than on Linux, or where the administrator says no.</summary>
    public static void Advise(Tensor tensor)
    {
        if (TensorAccess.TryGetHostMemory(tensor, out var memory)) Advise(memory.Data, memory.NumElements * tensor.element_size());
    }

    /// <summary>The same for other memory of the host.</summary>
    public static void Advise(nint address, long bytes)
    {
        if (!OperatingSystem.IsLinux()) return;
        var start = (address + PageBytes - 1) & -PageBytes;
        var end = (address + (nint)bytes) & -PageBytes;
        if (end > start) _ = MemoryAdvise(start, (nuint)(end - start), AdviseHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(nint address, nuint bytes, int advice);
}
