using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>How libtorch's threads wait for one another.</summary>
static partial class OpenMpWaiting
{
    // Some microseconds: about what waking a sleeping thread costs.
    const string Spins = "1000";

    /// <summary>
    /// Bounds the busy wait of GNU OpenMP's threads, unless the user has said how they are to wait. By default a thread spins for a millisecond
    /// at each barrier; where another process wants the core, as on every shared machine, the thread that is waited for does not run, and a
    /// training step of small ops takes ten times as long (docs/LOG.md). Read by libgomp when it is loaded, so before libtorch is.
    /// </summary>
    public static void BoundSpinning()
    {
        if (!OperatingSystem.IsLinux() || RaijinEnvironment.SaysHowOpenMpWaits) return;
        // The runtime's own copy of the environment is not the one native code reads.
        _ = SetEnvironment("GOMP_SPINCOUNT", Spins, 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
