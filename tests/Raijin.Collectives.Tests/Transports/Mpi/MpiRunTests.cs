using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Raijin.Collectives.Tests.Transports.Mpi;

public sealed partial class MpiRunTests
{
    [Fact]
    public void Ranks_of_one_host_know_their_places()
    {
        MpiRun.Require();
        Assert.Equal(["rank 0 of 2, 0 of 2 on host 0 of 1: 3 to 3", "rank 1 of 2, 1 of 2 on host 0 of 1: 3 to 3"], Places(MpiRun.Complete(2, "mpi-where")));
    }

    [Fact]
    public void Ranks_of_two_hosts_know_their_places()
    {
        MpiRun.Require();
        using var hosts = new TwoHosts();
        Assert.Equal(["rank 0 of 2, 0 of 1 on host 0 of 2: 3 to 3", "rank 1 of 2, 0 of 1 on host 1 of 2: 3 to 3"], Places(MpiRun.Complete(hosts.Command("mpi-where"))));
    }

    /// <summary>The contract of groups, in few processes: starting them takes longest.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Ranks_of_one_host_do_every_check(int size)
    {
        MpiRun.Require();
        MpiRun.Complete(size, "mpi-contract");
    }

    [Fact]
    public void Two_hosts_do_every_lasting_check()
    {
        MpiRun.Require();
        using var hosts = new TwoHosts();
        MpiRun.Complete(hosts.Command("mpi-contract", "lasting"));
    }

    [Fact]
    public void A_killed_rank_ends_all()
    {
        MpiRun.Require();
        using var run = MpiRun.Start(3, "mpi-endless");
        Assert.True(SpinWait.SpinUntil(() => Processes(run.Output).Count == 3, TimeSpan.FromSeconds(30)), $"{run.Output}{run.Errors}");
        var ranks = Processes(run.Output).Select(Process.GetProcessById).ToList();
        ranks[1].Kill();
        var code = run.Wait(TimeSpan.FromSeconds(5));
        Assert.True(code is not null, "mpirun still runs 5 s after a rank was killed");
        Assert.NotEqual(0, code);
        foreach (var rank in ranks)
        {
            Assert.True(rank.WaitForExit(TimeSpan.FromSeconds(2)), $"process {rank.Id} still runs");
            rank.Dispose();
        }
    }

    [Fact]
    public void A_rank_that_fails_ends_all_with_its_own_message()
    {
        MpiRun.Require();
        using var run = MpiRun.Start(3, "mpi-failing");
        var code = run.Wait(TimeSpan.FromSeconds(30));
        Assert.True(code is not null and not 0, $"exit code {code}");
        Assert.Contains("the data is broken", run.Errors, StringComparison.Ordinal);
        Assert.Contains("MpiRank.Failing", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_world_that_is_not_the_launchers_is_refused()
    {
        MpiRun.Require();
        var message = MpiRun.Complete(1, "mpi-mismatch");
        Assert.Contains("The launcher started 4 ranks and calls this one 3, but libmpi", message, StringComparison.Ordinal);
        Assert.Contains("sees 1 and calls it 0", message, StringComparison.Ordinal);
        Assert.Contains("Set RAIJIN_MPI", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mpich_does_every_lasting_check_too()
    {
        Assert.SkipUnless(MpiRun.Answers("mpiexec.hydra", "--version", "HYDRA"), "needs MPICH: apt-get install mpich");
        MpiRun.Complete(["mpiexec.hydra", "-np", "2", MpiRun.Program, "mpi-contract", "lasting"], new Dictionary<string, string> { ["RAIJIN_MPI"] = "libmpich.so.12" });
    }

    [Fact]
    public void Without_a_library_the_message_names_the_package()
    {
        var error = Assert.Throws<TransportUnavailableException>(() => MpiLibrary.Load("libmpi-of-nobody.so.7"));
        Assert.Equal(TransportKind.Mpi, error.Transport);
        Assert.Contains("libmpi-of-nobody.so.7", error.Message, StringComparison.Ordinal);
        Assert.Contains("openmpi-bin", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_of_another_kind_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "loads the C library of Linux");
        var error = Assert.Throws<TransportUnavailableException>(() => MpiLibrary.Load("libc.so.6"));
        Assert.Contains("neither an Open MPI nor an MPICH", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("world1", "world1", true)]
    [InlineData("world1", "world1/dp.0:0,1", true)]
    [InlineData("world1/dp.0:0,1", "world1", false)]
    [InlineData("world1", "world12", false)]
    [InlineData("world1/dp.0:0", "world1/dp.0:0,1", false)]
    public void A_failure_concerns_a_group_and_those_made_of_it(string failed, string group, bool concerns) =>
        Assert.Equal(concerns, new MpiFailure(failed, 0, "").Concerns(group));

    static List<string> Places(string output) => [.. Place().Matches(output).Select(m => m.Value).Order(StringComparer.Ordinal)];

    static List<int> Processes(string output) => [.. ProcessLine().Matches(output).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).Order()];

    [GeneratedRegex(@"rank \d+ of .*")]
    private static partial Regex Place();

    [GeneratedRegex(@"rank \d+ is process (\d+)\n")]
    private static partial Regex ProcessLine();
}
