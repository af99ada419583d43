using Raijin.Tensors;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Launch;

public sealed class MultiHostTests
{
    static readonly IReadOnlyList<LogicalCpu> Host = [.. Enumerable.Range(0, 16).Select(i => new LogicalCpu(i, i % 8, 0, 0))];

    [Theory]
    [InlineData("a slots=2\nb slots=4 max_slots=4\n", 2)]
    [InlineData("# two hosts\n\na slots = 8 # all\nb slots=1\n", 1)]
    [InlineData("a slots=9\n", 0)] // more ranks than cores
    [InlineData("a slots=2\nb\n", 0)] // as many as mpirun thinks
    [InlineData("", 0)]
    public void A_slot_has_its_share_of_the_fullest_host(string file, int cores) => Assert.Equal(cores, MultiHost.CoresPerSlot(file.Split('\n'), Host));

    [Fact]
    public void Mpirun_gets_hosts_ranks_binding_and_the_variables_that_say_how_to_compute()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["hosts"], "here slots=1\n");
        var cores = CorePlan.OfHost().Select(c => (c.Package, c.Core)).Distinct().Count();
        Assert.Equal(
            ["mpirun", "--hostfile", folder["hosts"], "-np", "3", "--map-by", $"slot:PE={cores}", "--bind-to", "core", "-x", "OMP_NUM_THREADS", "-x", "RAIJIN_LIBTORCH", "-x", "RAIJIN_RESTART", "train", "--epochs", "3"],
            MultiHost.Mpirun(["train", "--epochs", "3"], folder["hosts"], ranks: 3, bindCores: true, ["RAIJIN_LIBTORCH", "PATH", "HOME", "OMP_NUM_THREADS"], restart: 1));
        Assert.Equal(
            ["mpirun", "--hostfile", folder["hosts"], "--map-by", "slot", "--bind-to", "none", "train"],
            MultiHost.Mpirun(["train"], folder["hosts"], ranks: null, bindCores: false, ["PATH"]));
    }

    [Fact]
    public void Srun_gets_ranks_binding_and_ends_all_when_one_fails()
    {
        Assert.Equal(["srun", "--mpi=pmix", "--kill-on-bad-exit=1", "--cpu-bind=cores", "--ntasks=8", "train", "-v"], MultiHost.Srun(["train", "-v"], ranks: 8, bindCores: true));
        Assert.Equal(["srun", "--mpi=pmix", "--kill-on-bad-exit=1", "--cpu-bind=none", "train"], MultiHost.Srun(["train"], ranks: null, bindCores: false));
    }

    [Fact]
    public void A_launcher_that_is_not_installed_is_named_with_what_to_do()
    {
        Assert.SkipUnless(ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        var error = Assert.Throws<IOException>(() => MultiHost.Run(["absent-mpirun", "train"], restart: 0));
        Assert.StartsWith("absent-mpirun is not installed on this host, or not in PATH: install Open MPI", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_started_gives_its_exit_code() => Assert.Equal(new ChildExit(7, 0), MultiHost.Run([RankProcesses.Program(), "exit", "7"], restart: 0));
}
