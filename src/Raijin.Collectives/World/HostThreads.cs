using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// How many threads the operators of each of a host's ranks take, where no launcher has said: a CPU that several ranks may use counts for each by its share. Ranks bound apart keep all their
/// CPUs, ranks that roam over the whole host divide it.
/// </summary>
static class HostThreads
{
    // A bit a CPU; those above 1,024 are taken for unshared.
    const int Words = 16;

    /// <summary>Compares the CPUs of all ranks and sets this one's threads. All ranks call this.</summary>
    public static void Divide(World world, CancellationToken cancellation)
    {
        using var scope = TensorScope.Open();
        var mine = CpuAffinity.OfThread();
        var words = new long[Words + 1];
        words[0] = world.Identity.Node;
        foreach (var cpu in mine.Where(c => c < Words * 64)) words[1 + (cpu / 64)] |= 1L << (cpu % 64);
        var all = zeros(world.Size * words.Length, ScalarType.Int64);
        world.Group.AllGather(tensor(words), all, cancellationToken: cancellation);
        var masks = all.data<long>().ToArray().Chunk(words.Length).Where(rank => rank[0] == world.Identity.Node).Select(rank => rank[1..]).ToList();
        set_num_threads(Share(mine, masks));
    }

    /// <summary>The share of a rank's CPUs that is its own, at least 1.</summary>
    /// <param name="cpus">Those it may use.</param>
    /// <param name="masks">Those of all ranks of its host, its own among them.</param>
    public static int Share(IReadOnlyList<int> cpus, IReadOnlyList<long[]> masks) =>
        Math.Max(1, (int)(1e-9 + cpus.Sum(cpu => 1.0 / Math.Max(1, cpu >= Words * 64 ? 1 : masks.Count(mask => (mask[cpu / 64] & (1L << (cpu % 64))) != 0)))));
}
