using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>Sleeps on a word that several processes share, and wakes who sleeps there. Linux; elsewhere it sleeps a millisecond, and wakes nobody.</summary>
static unsafe partial class Futex
{
    const int WaitOperation = 0;
    const int WakeOperation = 1;

    static readonly nint Number = RuntimeInformation.ProcessArchitecture switch
    {
        _ when !OperatingSystem.IsLinux() => 0,
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    // Nobody signals it: waiting for it is sleeping.
    static readonly ManualResetEventSlim Never = new();

    /// <summary>Sleeps while the word holds <paramref name="seen"/>, at most so long; it may wake early.</summary>
    public static void Wait(int* word, int seen, TimeSpan atMost)
    {
        if (atMost <= TimeSpan.Zero) return;
        if (Number == 0)
        {
            Never.Wait(1);
            return;
        }
        var time = stackalloc long[2];
        time[0] = (long)atMost.TotalSeconds;
        time[1] = atMost.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick;
        _ = Call(Number, word, WaitOperation, seen, time, null, 0);
    }

    /// <summary>Wakes all that sleep on the word.</summary>
    public static void Wake(int* word)
    {
        if (Number != 0) _ = Call(Number, word, WakeOperation, int.MaxValue, null, null, 0);
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Call(nint number, int* word, nint operation, nint value, long* timeout, int* second, nint third);
}
