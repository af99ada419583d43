using System.Diagnostics;
using System.Globalization;

namespace Raijin.Benchmarks;

/// <summary>What others take of the machine from when it is made on: a time is worth no more than the machine was quiet.</summary>
sealed class MachineLoad
{
    const double TicksPerSecond = 100;

    readonly (double Busy, double Steal, double All) _before = Ticks();
    readonly TimeSpan _mine = Mine();

    /// <summary>Shares of all processors' time: other processes', and the hypervisor's. Empty where there is no <c>/proc/stat</c>.</summary>
    public string Others()
    {
        var now = Ticks();
        var all = now.All - _before.All;
        if (all <= 0) return "";
        var others = Math.Max(0, now.Busy - _before.Busy - ((Mine() - _mine).TotalSeconds * TicksPerSecond));
        return string.Create(CultureInfo.InvariantCulture, $"{100 * others / all:F0}%, {100 * (now.Steal - _before.Steal) / all:F0}%");
    }

    static TimeSpan Mine()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    // user nice system idle iowait irq softirq steal
    static (double Busy, double Steal, double All) Ticks()
    {
        if (!File.Exists("/proc/stat")) return default;
        var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(t => double.Parse(t, CultureInfo.InvariantCulture)).ToArray();
        return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6], ticks[7], ticks.Sum());
    }
}
