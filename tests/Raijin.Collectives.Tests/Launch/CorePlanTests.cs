using CsCheck;
using Raijin.Tensors;

namespace Raijin.Collectives.Tests.Launch;

public sealed class CorePlanTests
{
    // Threads of a core are numbered apart, as most firmware does: cpu = thread × cores + core.
    static IReadOnlyList<LogicalCpu> Host(int packages, int coresEach, int threadsEach) =>
    [
        .. from thread in Enumerable.Range(0, threadsEach)
           from package in Enumerable.Range(0, packages)
           from core in Enumerable.Range(0, coresEach)
           select new LogicalCpu((((thread * packages) + package) * coresEach) + core, core, package, package),
    ];

    [Fact]
    public void A_rank_gets_whole_cores_that_are_neighbours()
    {
        var plan = CorePlan.Divide(Host(packages: 2, coresEach: 4, threadsEach: 2), ranks: 4, bind: true);
        Assert.Equal([[0, 8, 1, 9], [2, 10, 3, 11], [4, 12, 5, 13], [6, 14, 7, 15]], plan.Cpus);
        Assert.Equal(2, plan.Threads);
    }

    [Fact]
    public void More_ranks_than_cores_divide_their_hardware_threads()
    {
        var plan = CorePlan.Divide(Host(packages: 1, coresEach: 2, threadsEach: 2), ranks: 4, bind: true);
        Assert.Equal([[0], [2], [1], [3]], plan.Cpus);
        Assert.Equal(1, plan.Threads);
    }

    [Fact]
    public void More_ranks_than_cpus_are_not_bound() => Assert.Equal(new CorePlan(null, 1), CorePlan.Divide(Host(1, 2, 1), ranks: 3, bind: true));

    [Fact]
    public void Threads_are_divided_also_where_cores_are_not_bound() => Assert.Equal(new CorePlan(null, 3), CorePlan.Divide(Host(1, 6, 1), ranks: 2, bind: false));

    [Fact]
    public void Every_cpu_belongs_to_one_rank_and_shares_differ_by_a_core_at_most() =>
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 9], Gen.Int[1, 2], Gen.Int[1, 20]).Sample((packages, cores, threads, ranks) =>
        {
            var host = Host(packages, cores, threads);
            var plan = CorePlan.Divide(host, ranks, bind: true);
            if (plan.Cpus is not { } cpus) return ranks > host.Count;
            return cpus.SelectMany(c => c).Order().SequenceEqual(host.Select(c => c.Id).Order())
                && cpus.Max(c => c.Count) - cpus.Min(c => c.Count) <= threads
                && cpus.Count == ranks && plan.Threads == Math.Max(1, packages * cores / ranks);
        });

    [Fact]
    public void The_host_has_the_cpus_this_thread_may_run_on() => Assert.Equal(CpuAffinity.OfThread(), CorePlan.OfHost().Select(c => c.Id));

    [Fact]
    public void A_bound_thread_stays_where_it_is_put_and_others_where_they_are()
    {
        Assert.SkipUnless(CpuAffinity.IsSupported, "threads are bound on Linux only");
        var all = CpuAffinity.OfThread();
        IReadOnlyList<int>? mine = null;
        Exception? refused = null;
        var thread = new Thread(() =>
        {
            CpuAffinity.BindThread([all[^1]]);
            mine = CpuAffinity.OfThread();
            refused = Record.Exception(() => CpuAffinity.BindThread([8000]));
        });
        thread.Start();
        thread.Join();
        Assert.Equal([all[^1]], mine);
        Assert.Contains("sched_setaffinity failed", Assert.IsType<IOException>(refused).Message, StringComparison.Ordinal);
        Assert.Equal(all, CpuAffinity.OfThread());
    }

    [Theory]
    [InlineData(new[] { 0, 1, 2, 3 }, new long[] { 0b1111, 0b1111 }, 2)] // roaming
    [InlineData(new[] { 0, 1 }, new long[] { 0b0011, 0b1100 }, 2)] // bound apart
    [InlineData(new[] { 0, 1, 2, 3 }, new long[] { 0b1111, 0b0011, 0b0011 }, 2)] // partly
    [InlineData(new[] { 0 }, new long[] { 1, 1, 1 }, 1)]
    [InlineData(new[] { 0, 1, 2 }, new long[] { 0b111, 0b111, 0b111 }, 1)]
    public void Ranks_that_share_cpus_divide_them(int[] cpus, long[] masks, int threads) => Assert.Equal(threads, HostThreads.Share(cpus, [.. masks.Select(m => new[] { m })]));
}
