using System.Globalization;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>A logical CPU and where it sits.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Core">The core it is a thread of, numbered within its package.</param>
/// <param name="Package">The processor.</param>
/// <param name="Node">The memory it is near to.</param>
readonly record struct LogicalCpu(int Id, int Core, int Package, int Node);

/// <summary>Which CPUs each of a host's ranks runs on.</summary>
/// <param name="Cpus">By rank; null where ranks are not bound.</param>
/// <param name="Threads">How many threads a rank's operators take.</param>
sealed record CorePlan(IReadOnlyList<IReadOnlyList<int>>? Cpus, int Threads)
{
    /// <summary>
    /// Divides the CPUs: whole cores where there are as many as ranks, else their hardware threads, else nothing. Ranks get neighbours, near the same memory; equally many, since all wait for
    /// the slowest, and what is left over goes to the first.
    /// </summary>
    public static CorePlan Divide(IReadOnlyList<LogicalCpu> cpus, int ranks, bool bind)
    {
        var sorted = cpus.OrderBy(c => c.Node).ThenBy(c => c.Package).ThenBy(c => c.Core).ThenBy(c => c.Id);
        var cores = sorted.GroupBy(c => (c.Package, c.Core)).Select(core => core.Select(c => c.Id).ToList()).ToList();
        if (cores.Count < ranks) cores = [.. cores.SelectMany(core => core).Select(cpu => new List<int> { cpu })];
        if (cores.Count < ranks) return new(null, 1);
        var each = cores.Count / ranks;
        var over = cores.Count % ranks;
        var shares = Enumerable.Range(0, ranks).Select(r => (IReadOnlyList<int>)[.. cores.Skip((r * each) + Math.Min(r, over)).Take(each + (r < over ? 1 : 0)).SelectMany(core => core)]);
        return new(bind ? [.. shares] : null, each);
    }

    /// <summary>The CPUs this thread may run on.</summary>
    public static IReadOnlyList<LogicalCpu> OfHost() => [.. CpuAffinity.OfThread().Select(Locate)];

    static LogicalCpu Locate(int cpu)
    {
        var folder = $"/sys/devices/system/cpu/cpu{cpu.ToString(CultureInfo.InvariantCulture)}";
        if (!Directory.Exists(folder)) return new(cpu, cpu, 0, 0);
        var node = Directory.EnumerateFileSystemEntries(folder, "node*").Select(path => Path.GetFileName(path)["node".Length..])
            .Select(text => int.TryParse(text, CultureInfo.InvariantCulture, out var n) ? n : 0).FirstOrDefault();
        return new(cpu, Number($"{folder}/topology/core_id") ?? cpu, Number($"{folder}/topology/physical_package_id") ?? 0, node);
    }

    static int? Number(string file) => File.Exists(file) && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var number) ? number : null;
}
