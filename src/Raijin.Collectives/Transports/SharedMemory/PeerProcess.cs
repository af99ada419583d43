using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Raijin.Collectives;

/// <summary>Another process of this host, and whether it still runs. Linux tells through a descriptor of the process: at once, also of one that nobody has waited for yet, and never of a later process of the same number.</summary>
sealed unsafe partial class PeerProcess : IDisposable
{
    const nint OpenProcess = 434;
    const short Readable = 1;

    readonly SafeFileHandle? _descriptor;
    readonly Process? _process;

    PeerProcess(SafeFileHandle? descriptor, Process? process)
    {
        _descriptor = descriptor;
        _process = process;
    }

    /// <summary>Whether it has ended. Costs a system call.</summary>
    public bool HasEnded
    {
        get
        {
            if (_descriptor is null) return _process is null || _process.HasExited;
            var poll = new PollDescriptor { Descriptor = (int)_descriptor.DangerousGetHandle(), Events = Readable };
            return Poll(&poll, 1, 0) > 0;
        }
    }

    /// <summary>Watches a process. One that is not there, or began at another time, has ended.</summary>
    public static PeerProcess Watch(long processId, long start)
    {
        if (OperatingSystem.IsLinux())
        {
            var descriptor = (int)Call(OpenProcess, (nint)processId, 0);
            if (descriptor >= 0)
            {
                var handle = new SafeFileHandle(descriptor, ownsHandle: true);
                if (StartOf((int)processId) == start) return new PeerProcess(handle, null);
                handle.Dispose();
                return new PeerProcess(null, null);
            }
        }
        try
        {
            var process = Process.GetProcessById((int)processId);
            if (StartOf((int)processId) == start) return new PeerProcess(null, process);
            process.Dispose();
        }
        catch (ArgumentException)
        {
            // No such process: it has ended.
        }
        return new PeerProcess(null, null);
    }

    /// <summary>When a process began, in a unit of the system's; 0 when there is no such process.</summary>
    public static long StartOf(int processId)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using var process = Process.GetProcessById(processId);
                return process.StartTime.Ticks;
            }
            var line = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            // The name, in parentheses, may hold anything; the fields after it are numbers. The 22nd of all is the start.
            return long.Parse(line[(line.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or ArgumentException or InvalidOperationException or Win32Exception)
        {
            return 0;
        }
    }

    public void Dispose()
    {
        _descriptor?.Dispose();
        _process?.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Call(nint number, nint first, nint second);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
