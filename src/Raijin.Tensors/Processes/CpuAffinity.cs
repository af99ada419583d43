using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>Which of the host's logical CPUs threads may run on. Linux; elsewhere nothing can be bound and every CPU is allowed.</summary>
public static partial class CpuAffinity
{
    // Room for 8,192 CPUs: the kernel refuses a mask shorter than its own.
    const int MaskWords = 128;

    /// <summary>Whether threads can be bound.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>The logical CPUs the calling thread may run on, ascending.</summary>
    public static IReadOnlyList<int> OfThread()
    {
        if (!IsSupported) return [.. Enumerable.Range(0, Environment.ProcessorCount)];
        Span<ulong> mask = stackalloc ulong[MaskWords];
        mask.Clear();
        if (GetAffinity(0, MaskWords * sizeof(ulong), ref MemoryMarshal.GetReference(mask)) < 0) throw Error("sched_getaffinity");
        var cpus = new List<int>();
        for (var word = 0; word < MaskWords; word++)
            for (var rest = mask[word]; rest != 0; rest &= rest - 1) cpus.Add((word * 64) + BitOperations.TrailingZeroCount(rest));
        return cpus;
    }

    /// <summary>Lets the calling thread run on these alone, and the processes it starts from now on. Threads that the runtime starts have the process's CPUs nonetheless.</summary>
    /// <exception cref="IOException">None of them is there, or allowed here.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    public static void BindThread(IReadOnlyList<int> cpus)
    {
        ArgumentNullException.ThrowIfNull(cpus);
        if (!IsSupported) throw new PlatformNotSupportedException("Threads are bound to cores on Linux only.");
        Span<ulong> mask = stackalloc ulong[MaskWords];
        mask.Clear();
        foreach (var cpu in cpus)
        {
            if (cpu is < 0 or >= MaskWords * 64) throw new ArgumentOutOfRangeException(nameof(cpus), cpu, $"CPUs are numbered from 0 to {(MaskWords * 64) - 1}.");
            mask[cpu / 64] |= 1UL << (cpu % 64);
        }
        if (SetAffinity(0, MaskWords * sizeof(ulong), ref MemoryMarshal.GetReference(mask)) < 0) throw Error("sched_setaffinity");
    }

    static IOException Error(string call)
    {
        var code = Marshal.GetLastPInvokeError();
        return new IOException($"{call} failed: {Marshal.GetPInvokeErrorMessage(code)} ({code}).", code);
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static partial int GetAffinity(int thread, nuint bytes, ref ulong mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint bytes, ref ulong mask);
}
