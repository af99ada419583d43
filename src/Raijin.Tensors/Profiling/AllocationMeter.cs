using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>
/// Counts the bytes that libtorch's allocators give out and take back while it is open, to the byte and at the moment: what the thread that opened it does, and the
/// backward passes it starts. Costs some 0.1 µs an allocation; nothing while closed.
/// </summary>
/// <remarks>
/// libtorch reports each allocation to the memory observer of the thread, a C++ object that is made here by hand (<c>c10::MemoryReportingInfoBase</c>, Linux x64). A block
/// given out before the opening and freed after it is not reported, so counts are of what was made since. One meter at a time; memory of every device counts.
/// </remarks>
public sealed unsafe class AllocationMeter : IDisposable
{
    const int ProfilerState = 2;
    const int ErrorsOnly = 2;

    // (kind, shared_ptr by address). Ours has no count of owners: the object is never freed.
    static readonly delegate* unmanaged[Cdecl]<byte, SharedPointer*, void> Push =
        (delegate* unmanaged[Cdecl]<byte, SharedPointer*, void>)NativeExports.OfC10("_ZN3c1020ThreadLocalDebugInfo5_pushENS_13DebugInfoKindESt10shared_ptrINS_13DebugInfoBaseEE");

    // (result by hidden pointer, kind).
    static readonly delegate* unmanaged[Cdecl]<SharedPointer*, byte, SharedPointer*> Pop =
        (delegate* unmanaged[Cdecl]<SharedPointer*, byte, SharedPointer*>)NativeExports.OfC10("_ZN3c1020ThreadLocalDebugInfo4_popENS_13DebugInfoKindE");

    static readonly delegate* unmanaged[Cdecl]<byte, nint> Get = (delegate* unmanaged[Cdecl]<byte, nint>)NativeExports.OfC10("_ZN3c1020ThreadLocalDebugInfo3getENS_13DebugInfoKindE");

    static readonly int* LogLevel = (int*)NativeExports.OfC10("FLAGS_caffe2_log_level");
    static readonly nint* Observer = MakeObserver();

    static readonly Lazy<string?> Reason = new(TryOut);
    static AllocationMeter? s_current;
    static long s_live;
    static long s_peak;
    static long s_allocated;
    static long s_allocations;

    readonly int _thread = Environment.CurrentManagedThreadId;
    readonly int _logLevel = *LogLevel;
    bool _closed;

    AllocationMeter()
    {
        s_live = s_peak = s_allocated = s_allocations = 0;
        // For every block freed that it has not seen made, libtorch would warn that profilers miss it.
        *LogLevel = Math.Max(_logLevel, ErrorsOnly);
        var observer = new SharedPointer { Object = (nint)Observer };
        Push(ProfilerState, &observer);
    }

    /// <summary>Why allocations can't be counted in this process; null where they can.</summary>
    public static string? Unavailable => Reason.Value;

    /// <summary>Opens a meter on this thread; close it there.</summary>
    /// <exception cref="PlatformNotSupportedException">Allocations can't be counted here; the message says why.</exception>
    /// <exception cref="InvalidOperationException">One is open, or another profiler observes this thread's memory.</exception>
    public static AllocationMeter Open()
    {
        if (Unavailable is { } reason) throw new PlatformNotSupportedException($"libtorch's allocations can't be counted: {reason}.");
        return OpenUnchecked();
    }

    /// <summary>Bytes given out since the opening and not taken back.</summary>
    public long LiveBytes => Volatile.Read(ref s_live);

    /// <summary>The most that <see cref="LiveBytes"/> was since the opening, or since <see cref="RestartPeak"/>.</summary>
    public long PeakBytes => Volatile.Read(ref s_peak);

    /// <summary>Bytes given out since the opening, whether taken back or not.</summary>
    public long AllocatedBytes => Volatile.Read(ref s_allocated);

    /// <summary>Blocks given out since the opening.</summary>
    public long Allocations => Volatile.Read(ref s_allocations);

    /// <summary>From here on the peak is counted anew.</summary>
    public void RestartPeak() => Volatile.Write(ref s_peak, Volatile.Read(ref s_live));

    /// <summary>Closes the meter. Its counts stay readable until the next is opened.</summary>
    /// <exception cref="InvalidOperationException">Called on another thread than the one that opened it.</exception>
    public void Dispose()
    {
        if (_closed) return;
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException($"An allocation meter opened on thread {_thread} was closed on thread {Environment.CurrentManagedThreadId}: open and close it on one.");
        _closed = true;
        SharedPointer ours;
        Pop(&ours, ProfilerState);
        *LogLevel = _logLevel;
        s_current = null;
    }

    static AllocationMeter OpenUnchecked()
    {
        if (s_current is not null) throw new InvalidOperationException("An allocation meter is open already: there is one for the process. Close the other first.");
        if (Get(ProfilerState) != 0) throw new InvalidOperationException("Another profiler observes this thread's memory already.");
        return s_current = new AllocationMeter();
    }

    static string? TryOut()
    {
        LibTorch.EnsureLoaded();
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return "only libtorch on Linux x64 shows them";
        if (LibTorch.LoadedVersion != LibTorch.BoundVersion) return $"the layout of libtorch {LibTorch.BoundVersion}'s observers is known, {LibTorch.LoadedVersion} is loaded";
        if (Push == null || Pop == null || Get == null || LogLevel == null) return "this libtorch does not export the entry points of its memory observers";
        using var meter = OpenUnchecked();
        // On the host, whatever the default device is.
        using (TorchSharp.torch.zeros(1000, device: TorchSharp.torch.CPU))
            if (meter.Allocations != 1 || meter.LiveBytes < 4000) return $"4000 bytes were seen as {meter.LiveBytes} in {meter.Allocations} blocks";
        return meter.LiveBytes == 0 ? null : $"{meter.LiveBytes} bytes were not seen to be freed";
    }

    static nint* MakeObserver()
    {
        // Offset to top, type info, then: complete and deleting destructor, reportMemoryUsage, reportOutOfMemory, memoryProfilingEnabled.
        var table = (nint*)NativeMemory.AllocZeroed(7, (nuint)sizeof(nint));
        table[1] = NativeExports.OfC10("_ZTIN3c1023MemoryReportingInfoBaseE");
        table[2] = table[3] = (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Nothing;
        table[4] = (nint)(delegate* unmanaged[Cdecl]<nint, nint, long, nuint, nuint, ushort, void>)&Report;
        table[5] = (nint)(delegate* unmanaged[Cdecl]<nint, long, nuint, nuint, ushort, void>)&OutOfMemory;
        table[6] = (nint)(delegate* unmanaged[Cdecl]<nint, byte>)&IsEnabled;
        var observer = (nint*)NativeMemory.Alloc((nuint)sizeof(nint));
        *observer = (nint)(table + 2);
        return observer;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Report(nint self, nint block, long bytes, nuint allocated, nuint reserved, ushort device)
    {
        var live = Interlocked.Add(ref s_live, bytes);
        if (bytes <= 0) return;
        Interlocked.Add(ref s_allocated, bytes);
        Interlocked.Increment(ref s_allocations);
        for (var peak = Volatile.Read(ref s_peak); live > peak;)
        {
            var seen = Interlocked.CompareExchange(ref s_peak, live, peak);
            if (seen == peak) break;
            peak = seen;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void OutOfMemory(nint self, long bytes, nuint allocated, nuint reserved, ushort device)
    {
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static byte IsEnabled(nint self) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Nothing(nint self)
    {
    }

    // std::shared_ptr: the object and the block that counts its owners; without one nobody counts.
    struct SharedPointer
    {
        public nint Object;
        public nint Owners;
    }
}
