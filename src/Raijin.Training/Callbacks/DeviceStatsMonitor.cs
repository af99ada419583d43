using System.Diagnostics;

namespace Raijin;

/// <summary>
/// Logs what the process uses, with each written step: <c>device/cpu percent</c> (of all cores, since the last written step), <c>device/resident MB</c>, <c>device/native MB</c>
/// (where the C library tells), <c>device/managed MB</c>, <c>device/live tensors</c> and <c>device/gc pause percent</c>. Steps that are not written cost nothing.
/// </summary>
/// <remarks>Lightning's callback of the same name. MB are 10⁶ bytes.</remarks>
public sealed class DeviceStatsMonitor : Callback
{
    const double Megabyte = 1e6;

    TimeSpan _cpu;
    TimeSpan _pause;
    TimeSpan _at;

    /// <summary>What stands before each name.</summary>
    /// <value>Default <c>device/</c>.</value>
    public string Prefix { get; init; } = "device/";

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        (_cpu, _pause, _at) = (Environment.CpuUsage.TotalTime, GC.GetTotalPauseDuration(), run.Elapsed);
    }

    /// <inheritdoc/>
    public override void OnLog(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var (cpu, pause, now) = (Environment.CpuUsage.TotalTime, GC.GetTotalPauseDuration(), run.Elapsed);
        var passed = (now - _at).TotalSeconds;
        if (passed > 0)
        {
            // Processor time is counted in ticks, which may end in a later interval than they began in.
            run.Log(Prefix + "cpu percent", Math.Min(100, 100 * (cpu - _cpu).TotalSeconds / passed / Environment.ProcessorCount));
            run.Log(Prefix + "gc pause percent", 100 * (pause - _pause).TotalSeconds / passed);
        }
        (_cpu, _pause, _at) = (cpu, pause, now);
        using (var process = Process.GetCurrentProcess()) run.Log(Prefix + "resident MB", process.WorkingSet64 / Megabyte);
        if (TensorLedger.NativeBytes is { } native) run.Log(Prefix + "native MB", native / Megabyte);
        run.Log(Prefix + "managed MB", GC.GetTotalMemory(forceFullCollection: false) / Megabyte);
        run.Log(Prefix + "live tensors", TensorLedger.Read().LiveTensors);
    }
}
