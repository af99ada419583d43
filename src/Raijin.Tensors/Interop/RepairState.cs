using TorchSharp;

namespace Raijin.Tensors;

/// <summary>
/// Whether the TorchSharp in this process was repaired by Raijin's build step. An unrepaired one may free a tensor while native code reads it:
/// it trains for a while, then crashes or computes wrong numbers (docs/design/repair.md).
/// </summary>
public static class RepairState
{
    // A lookup by name costs microseconds; reading the assembly's attributes, milliseconds.
    internal const string Marker = "Raijin.Repair.KeptAlive";

    static int s_said;

    /// <summary>Whether the managed assembly keeps its wrappers alive during native calls.</summary>
    public static bool IsRepaired { get; } = typeof(torch).Assembly.GetType(Marker) is not null;

    /// <summary>How to get a repaired one.</summary>
    public const string Remedy =
        "Build the program as a project that references Raijin.Tensors, with RaijinRepair=full (the default): its build step repairs TorchSharp. " +
        "In a notebook, reference the TorchSharp.dll of such a build's output.";

    /// <summary>What is wrong and what to do.</summary>
    public const string Warning =
        "warning: this process runs TorchSharp as it was published, which can free tensors while native code reads them: it may crash or compute wrong numbers. " + Remedy;

    /// <summary>Writes <see cref="Warning"/> to standard error, once in a process, when it applies.</summary>
    internal static void WarnOnce()
    {
        if (IsRepaired || Interlocked.Exchange(ref s_said, 1) != 0) return;
#pragma warning disable RS0030 // No logger exists when libtorch is loaded, and a process that may crash must not be silent about it.
        Console.Error.WriteLine("raijin: " + Warning);
#pragma warning restore RS0030
    }
}
